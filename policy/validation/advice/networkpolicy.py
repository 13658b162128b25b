"""Warnings about NetworkPolicy and the kinds that are made like it."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_networks, members
from policy.validation.kinds import Key

_NEGATIVE = frozenset({"NotIn", "DoesNotExist"})
_SECTIONS = (("ingress", "Ingress"), ("egress", "Egress"))


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a NetworkPolicy."""
    spec = manifest.get("spec") or {}
    yield from _about_types(spec)
    for rule, path in members(spec, "egress", "spec"):
        yield from about_rule(rule, path, peers="to")
    for rule, path in members(spec, "ingress", "spec"):
        for peer, here in members(rule, "from", path):
            yield from _about_peer(peer, here)


def about_rule(rule: Mapping[str, Any], path: str, *, peers: str) -> Iterator[Advice]:
    """What people overlook in an egress rule."""
    found = list(members(rule, peers, path))
    if not found:
        yield Advice("any-destination", f"{path}.{peers}", "a rule without destinations allows every destination")
    for peer, here in found:
        yield from _about_peer(peer, here)
    blocks = [(peer["ipBlock"], f"{here}.ipBlock") for peer, here in found if peer.get("ipBlock")]
    yield from _about_blocks(blocks, path)
    yield from _about_named_ports(rule, path, has_blocks=bool(blocks), has_other_peers=len(found) > len(blocks))


def _about_types(spec: Mapping[str, Any]) -> Iterator[Advice]:
    types = spec.get("policyTypes")
    if not types:
        if spec.get("egress"):
            message = "absent, so the server adds Ingress and Egress: the policy denies all ingress too, name the types"
            yield Advice("policy-types-missing", "spec.policyTypes", message)
        elif spec.get("egress") is not None:
            message = "absent, so an empty egress section does not count: egress stays open, name the types"
            yield Advice("policy-types-missing", "spec.policyTypes", message)
        return
    for section, kind in _SECTIONS:
        if spec.get(section) and kind not in types:
            message = (
                f"policyTypes leaves out {kind}: the API ignores this section, Cilium and the AWS agent enforce it"
            )
            yield Advice("stray-section", f"spec.{section}", message)


def _about_peer(peer: Mapping[str, Any], path: str) -> Iterator[Advice]:
    selector = peer.get("namespaceSelector")
    if selector is None or selector.get("matchLabels"):
        return
    expressions = selector.get("matchExpressions") or []
    if expressions and all(expression["operator"] in _NEGATIVE for expression in expressions):
        message = "only NotIn and DoesNotExist: on Cilium it also matches every address outside the cluster"
        yield Advice("negative-namespace-selector", f"{path}.namespaceSelector", message)


def _about_blocks(blocks: list[tuple[Mapping[str, Any], str]], path: str) -> Iterator[Advice]:
    whole: list[tuple[str, str]] = []
    for block, here in blocks:
        if block.get("except"):
            yield from about_networks(
                [(block["cidr"], f"{here}.cidr")], path=here, excepts=block["except"], host_bits=True
            )
        else:
            whole.append((block["cidr"], f"{here}.cidr"))
    yield from about_networks(whole, path=f"{path}.to", host_bits=True)


def _about_named_ports(
    rule: Mapping[str, Any], path: str, *, has_blocks: bool, has_other_peers: bool
) -> Iterator[Advice]:
    if not has_blocks:
        return
    for port, here in members(rule, "ports", path):
        if isinstance(port.get("port"), str):
            only = "" if has_other_peers else ", so it allows nothing"
            message = f"a named port is looked up on pods and never matches an ipBlock{only}: write the number"
            yield Advice("named-port-with-ip-block", f"{here}.port", message)


ADVISERS: Mapping[Key, Adviser] = {
    ("networking.k8s.io/v1", "NetworkPolicy"): advise,
    ("projectcalico.org/v3", "StagedKubernetesNetworkPolicy"): advise,
    ("crd.projectcalico.org/v1", "StagedKubernetesNetworkPolicy"): advise,
}
