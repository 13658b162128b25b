"""Warnings about Istio's ServiceEntry and Sidecar."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, members
from policy.validation.istio import VERSIONS
from policy.validation.kinds import Key


def advise_entry(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a ServiceEntry."""
    spec = manifest["spec"]
    if not spec.get("exportTo"):
        yield Advice("whole-mesh", "spec.exportTo", 'absent, so the hosts are open to the whole mesh: set ["."]')
    if (spec.get("resolution") or "NONE") != "NONE" or spec.get("addresses"):
        return
    for port, path in members(spec, "ports", "spec"):
        if (port.get("protocol") or "TCP").upper() == "TCP":
            message = "plain TCP without addresses and resolution opens this port of every address"
            yield Advice("any-destination", path, message)


def advise_sidecar(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a Sidecar."""
    policy = (manifest.get("spec") or {}).get("outboundTrafficPolicy") or {}
    path = "spec.outboundTrafficPolicy.mode"
    if policy.get("mode") == "REGISTRY_ONLY":
        yield Advice(
            "no-boundary", path, "is no security boundary: a pod can go around its proxy, add a network policy"
        )
    elif policy.get("mode") == "ALLOW_ANY":
        yield Advice("any-destination", path, "lets the proxy pass every destination")


ADVISERS: Mapping[Key, Adviser] = {
    **{(f"networking.istio.io/{version}", "ServiceEntry"): advise_entry for version in VERSIONS},
    **{(f"networking.istio.io/{version}", "Sidecar"): advise_sidecar for version in VERSIONS},
}
