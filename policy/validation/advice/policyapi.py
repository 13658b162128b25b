"""Warnings about ClusterNetworkPolicy and the AdminNetworkPolicy that it replaced."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_name, about_networks, members
from policy.validation.kinds import Key

_NEVER_FIRST = frozenset("[\\]^`")


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a policy of ``policy.networking.k8s.io`` or of AWS that is made like it."""
    for rule, path in members(manifest.get("spec") or {}, "egress", "spec"):
        for peer, here in members(rule, "to", path):
            for name, place in members(peer, "domainNames", here):
                yield from about_domain(name, place)
            if rule["action"] in ("Accept", "Allow"):
                networks = members(peer, "networks", here)
                yield from about_networks(networks, path=f"{here}.networks", host_bits=True)
        for port, here in members(rule, "ports", path):
            span = port.get("portRange") or {"start": 0, "end": 1}
            if span["start"] > span["end"]:
                yield Advice("matches-nothing", f"{here}.portRange", "ends before it begins: it matches nothing")


def about_domain(name: str, path: str) -> Iterator[Advice]:
    """What people overlook in one domain name."""
    yield from about_name(name, path)
    labels = name.removeprefix("*.").split(".")
    if any(label[:1] in _NEVER_FIRST for label in labels if label):
        yield Advice(
            "never-a-name", path, f"{name!r} passes a mistake in the server's pattern, but no such name exists"
        )


ADVISERS: Mapping[Key, Adviser] = {
    ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"): advise,
    ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"): advise,
    ("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy"): advise,
}
