"""Warnings about Calico's policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_networks, members
from policy.validation.kinds import Key

_LIMITS = ("nets", "notNets", "selector", "notSelector", "namespaceSelector", "services", "serviceAccounts", "domains")


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a policy of Calico."""
    spec = manifest["spec"]
    if not spec.get("types") and not spec.get("egress"):
        yield Advice("policy-types-missing", "spec.types", "absent, and without egress rules the type is Ingress only")
    is_global = manifest["kind"].removeprefix("Staged").startswith("Global")
    if (
        is_global
        and not spec.get("namespaceSelector")
        and "projectcalico.org/namespace" not in (spec.get("selector") or "")
    ):
        yield Advice("host-endpoints", "spec.namespaceSelector", "absent, so the policy applies to the nodes as well")
    for rule, path in members(spec, "egress", "spec"):
        yield from _about_rule(rule, path)
    if manifest["apiVersion"].startswith("crd."):
        message = "the storage form of Calico, which only Calico should write: use projectcalico.org/v3"
        yield Advice("storage-form", "apiVersion", message)


def _about_rule(rule: Mapping[str, Any], path: str) -> Iterator[Advice]:
    if rule["action"] != "Allow":
        return
    destination = rule.get("destination") or {}
    if not any(destination.get(limit) for limit in _LIMITS):
        yield Advice("any-destination", f"{path}.destination", "an Allow without destinations allows every destination")
    nets = members(destination, "nets", f"{path}.destination")
    excepts = destination.get("notNets") or []
    yield from about_networks(nets, path=f"{path}.destination.nets", excepts=excepts)


_POLICIES = ("NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy")

ADVISERS: Mapping[Key, Adviser] = {
    (group, kind): advise for group in ("projectcalico.org/v3", "crd.projectcalico.org/v1") for kind in _POLICIES
}
