"""Calico: ``projectcalico.org/v3``, and ``crd.projectcalico.org/v1`` in which older installations store the same."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.calico_rules import check_rule, rule_shape, selector, set_network
from policy.validation.kinds import Key, Kind, kind
from policy.validation.networkpolicy import POLICY_TYPES, peer, policy_spec
from policy.validation.schema import (
    Flag,
    Items,
    Number,
    Object,
    Problem,
    Shape,
    Text,
    below,
    quoted,
)
from policy.validation.texts import dns_label, dns_subdomain

GROUPS = ("projectcalico.org/v3", "crd.projectcalico.org/v1")
STAGED_ACTIONS = ("Set", "Delete", "Learn", "Ignore")
# Calico's own names for what it made out of the policies of other APIs.
_FOREIGN_PREFIXES = ("knp.default.", "ossg.default.", "kcnp.admin.", "kcnp.baseline.", "kanp.adminnetworkpolicy.")
_PASSING_TIERS = frozenset({"kube-admin", "kube-baseline"})


def policy_name(text: str) -> str | None:
    """What keeps the text from being the name of a policy: ``<tier>.<label>`` or a label alone."""
    if text.startswith(_FOREIGN_PREFIXES):
        return dns_subdomain(text)
    parts = text.split(".")
    if len(parts) <= 2 and not any(dns_label(part) for part in parts):
        return None
    return f"{quoted(text)} must be a label, or a tier, a dot and a label"


def _check_policy(spec: Mapping[str, Any], path: str, *, is_global: bool) -> Iterator[Problem]:
    for direction in ("ingress", "egress"):
        for number, rule in enumerate(spec.get(direction) or []):
            here = f"{below(path, direction)}[{number}]"
            yield from check_rule(rule, here, direction=direction, is_global=is_global)
    if is_global:
        yield from _check_host_options(spec, path)


def _check_host_options(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    before_nat, untracked = bool(spec.get("preDNAT")), bool(spec.get("doNotTrack"))
    if before_nat and untracked:
        yield path, "preDNAT and doNotTrack cannot both be true"
    if before_nat and spec.get("egress"):
        yield below(path, "egress"), "a preDNAT policy cannot have any egress rules"
    if before_nat and "Egress" in (spec.get("types") or []):
        yield below(path, "types"), "a preDNAT policy cannot have the type Egress"
    if (before_nat or untracked) and not spec.get("applyOnForward"):
        yield below(path, "applyOnForward"), "must be true with preDNAT or doNotTrack"


def _policy_spec(*, is_global: bool, is_staged: bool, has_domains: bool) -> Object:
    rule = rule_shape(has_domains=has_domains)
    fields: dict[str, Shape] = {
        "ingress": Items(rule),
        "egress": Items(rule),
        "order": Number(),
        "performanceHints": Items(Text(choices=("AssumeNeededOnEveryNode",))),
        "selector": selector(),
        "serviceAccountSelector": selector(),
        "tier": Text(check=lambda text: dns_label(text) if text else None),
        "types": Items(Text(choices=POLICY_TYPES), minimum=1, maximum=2, is_set=True),
    }
    if is_global:
        fields |= {"namespaceSelector": selector()}
        fields |= dict.fromkeys(("applyOnForward", "doNotTrack", "preDNAT"), Flag())
    if is_staged:
        fields["stagedAction"] = Text(choices=STAGED_ACTIONS)

    def check(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
        return _check_policy(spec, path, is_global=is_global)

    return Object(fields, check=check)


def _check_tier(tier: Mapping[str, Any], path: str) -> Iterator[Problem]:
    name = (tier.get("metadata") or {}).get("name")
    action = tier["spec"].get("defaultAction") or "Deny"
    if name in _PASSING_TIERS and action != "Pass":
        yield below(path, "spec.defaultAction"), f"the tier {name} must have the default action Pass"
    if name == "default" and action != "Deny":
        yield below(path, "spec.defaultAction"), "the tier default must have the default action Deny"


def _network_set(*, has_domains: bool) -> Object:
    fields: dict[str, Shape] = {"nets": Items(Text(check=set_network), is_set=True)}
    return Object(fields | ({"allowedEgressDomains": Items(Text(), is_set=True)} if has_domains else {}))


_STAGED_KUBERNETES = policy_spec(
    egress_peer=peer(),
    policy_types=Items(Text(choices=POLICY_TYPES), minimum=1, maximum=2, is_set=True),
    others={"stagedAction": Text(choices=STAGED_ACTIONS)},
)
_TIER = Object({"defaultAction": Text(choices=("Pass", "Deny")), "order": Number()})


def _kinds(group: str, *, has_domains: bool) -> dict[Key, Kind]:
    required = group == GROUPS[0]
    found: dict[Key, Kind] = {
        (group, "Tier"): kind(_TIER, is_namespaced=False, check=_check_tier),
        (group, "StagedKubernetesNetworkPolicy"): kind(
            _STAGED_KUBERNETES, is_namespaced=True, is_spec_required=required
        ),
    }
    for is_global, name in ((True, "GlobalNetworkSet"), (False, "NetworkSet")):
        spec = _network_set(has_domains=has_domains)
        found[group, name] = kind(spec, is_namespaced=not is_global, is_spec_required=required)
    for is_global, name in ((True, "GlobalNetworkPolicy"), (False, "NetworkPolicy")):
        for is_staged in (False, True):
            spec = _policy_spec(is_global=is_global, is_staged=is_staged, has_domains=has_domains)
            full = f"Staged{name}" if is_staged else name
            found[group, full] = kind(spec, is_namespaced=not is_global, is_spec_required=required, name=policy_name)
    return found


KINDS: Mapping[Key, Kind] = {key: value for group in GROUPS for key, value in _kinds(group, has_domains=False).items()}
ENTERPRISE_KINDS: Mapping[Key, Kind] = {
    key: value for group in GROUPS for key, value in _kinds(group, has_domains=True).items()
}
