"""Warnings about the kinds of AWS."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice import networkpolicy, policyapi
from policy.validation.advice.model import Advice, Adviser, members
from policy.validation.kinds import Key


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in an ApplicationNetworkPolicy."""
    yield from networkpolicy.advise(manifest)
    for rule, path in members(manifest.get("spec") or {}, "egress", "spec"):
        for peer, here in members(rule, "to", path):
            for name, place in members(peer, "domainNames", here):
                yield from policyapi.about_domain(name, place)
    yield Advice("needs-auto-mode", "kind", "takes effect on nodes of EKS Auto Mode only")


ADVISERS: Mapping[Key, Adviser] = {
    ("networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy"): advise,
    ("networking.k8s.aws/v1alpha1", "ClusterNetworkPolicy"): policyapi.advise,
}
