"""``crd.antrea.io/v1beta1``: cluster and namespaced policies, tiers and groups, as Antrea's webhook judges them."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.antrea_rules import APPLIED_TO, check_applied_to, check_rule, rule_shape
from policy.validation.kinds import Key, Kind, kind
from policy.validation.networkpolicy import ip_block
from policy.validation.schema import Items, Number, Object, Problem, Shape, Text, Whole, below
from policy.validation.selectors import LABEL_SELECTOR

BUILT_IN_TIERS = ("emergency", "securityops", "networkops", "platform", "application", "baseline")
_RESERVED_PRIORITIES = frozenset({251, 252, 254, 255})
_GROUP = "crd.antrea.io/v1beta1"


def _rules(spec: Mapping[str, Any], path: str) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    for direction in ("ingress", "egress"):
        for number, rule in enumerate(spec.get(direction) or []):
            yield rule, f"{below(path, direction)}[{number}]", direction


def _check_spec(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    rules = list(_rules(spec, path))
    for rule, here, direction in rules:
        yield from check_rule(rule, here, direction=direction)
        if (spec.get("tier") or "").lower() == "baseline" and rule["action"] == "Pass":
            yield below(here, "action"), "Pass has no meaning in the baseline tier"
    yield from _check_names(rules)
    yield from _check_applied(spec, path, rules=[(rule, here) for rule, here, _ in rules])


def _check_names(rules: list[tuple[Mapping[str, Any], str, str]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for rule, here, _ in rules:
        name = rule.get("name")
        if name and name in seen:
            yield below(here, "name"), f"{name!r} names two rules of the policy"
        seen.add(name or "")


def _check_applied(
    spec: Mapping[str, Any], path: str, *, rules: list[tuple[Mapping[str, Any], str]]
) -> Iterator[Problem]:
    own = spec.get("appliedTo") or []
    with_own = [here for rule, here in rules if rule.get("appliedTo")]
    if own and with_own:
        yield below(path, "appliedTo"), "may not be set for the policy and for its rules"
    elif not own and not with_own:
        yield below(path, "appliedTo"), "must be set for the policy or for all of its rules"
    elif with_own and len(with_own) < len(rules):
        yield below(path, "appliedTo"), "must be set for all rules or for none"
    has_egress = bool(spec.get("egress"))
    yield from check_applied_to(own, below(path, "appliedTo"), has_egress=has_egress)
    for rule, here in rules:
        yield from check_applied_to(rule.get("appliedTo") or [], f"{here}.appliedTo", has_egress=".egress[" in here)


def _policy(*, is_cluster: bool) -> Kind:
    fields: dict[str, Shape] = {
        "tier": Text(),
        "priority": Number(minimum=1, maximum=10_000),
        "appliedTo": Items(APPLIED_TO),
        "ingress": Items(rule_shape(is_egress=False, is_cluster=is_cluster)),
        "egress": Items(rule_shape(is_egress=True, is_cluster=is_cluster)),
    }
    return kind(Object(fields, required=("priority",), check=_check_spec), is_namespaced=not is_cluster)


def _check_tier(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if spec["priority"] in _RESERVED_PRIORITIES:
        yield below(path, "priority"), f"{spec['priority']} is reserved by Antrea"


def _check_group(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    given = {key for key, value in spec.items() if value}
    pods = {"podSelector", "namespaceSelector"}
    if len(given - pods) > 1 or (given - pods and given & pods):
        yield path, "a group is made of pods, of addresses, of a service or of other groups, not of several of these"


_TIER = Object(
    {"priority": Whole(minimum=0, maximum=255), "description": Text()}, required=("priority",), check=_check_tier
)


def _group(*, is_cluster: bool) -> Kind:
    fields: dict[str, Shape] = {
        "childGroups": Items(Text()),
        "podSelector": LABEL_SELECTOR,
        "namespaceSelector": LABEL_SELECTOR,
        "externalEntitySelector": LABEL_SELECTOR,
        "ipBlocks": Items(ip_block(host_bits=True)),
        "serviceReference": Object({"name": Text(), "namespace": Text()}),
    }
    if is_cluster:
        fields["nodeSelector"] = LABEL_SELECTOR
    return kind(Object(fields, check=_check_group), is_namespaced=not is_cluster, is_spec_required=False)


KINDS: Mapping[Key, Kind] = {
    (_GROUP, "ClusterNetworkPolicy"): _policy(is_cluster=True),
    (_GROUP, "NetworkPolicy"): _policy(is_cluster=False),
    (_GROUP, "Tier"): kind(_TIER, is_namespaced=False),
    (_GROUP, "ClusterGroup"): _group(is_cluster=True),
    (_GROUP, "Group"): _group(is_cluster=False),
}
