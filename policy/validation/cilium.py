"""``cilium.io``: CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.cilium_rules import (
    check_egress_rule,
    check_ingress_rule,
    egress_fields,
    ingress_fields,
)
from policy.validation.kinds import Key, Kind, kind
from policy.validation.schema import Flag, Items, Object, ObjectCheck, Problem, Text, below
from policy.validation.selectors import CILIUM_SELECTOR
from policy.validation.texts import loose_cidr

SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
_MAXIMUM_LOG_VALUE = 32


def printable(text: str) -> str | None:
    """What keeps the text from being a log value: a character that is no letter, mark, number, sign or space."""
    wrong = next((letter for letter in text if unicodedata.category(letter).startswith("C")), None)
    return f"the character {wrong!r} cannot be printed" if wrong else None


def _rule(*, is_namespaced: bool) -> Object:
    def check(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
        yield from _check_sections(rule, path)
        is_host_policy = rule.get("nodeSelector") is not None
        if is_namespaced and is_host_policy:
            yield below(path, "nodeSelector"), "only a CiliumClusterwideNetworkPolicy may select nodes"
        for number, part in enumerate(rule.get("ingress") or []):
            yield from check_ingress_rule(part, f"{below(path, 'ingress')}[{number}]", is_host_policy=is_host_policy)
        for number, part in enumerate(rule.get("egress") or []):
            yield from check_egress_rule(part, f"{below(path, 'egress')}[{number}]", is_host_policy=is_host_policy)
        for number, part in enumerate(rule.get("ingressDeny") or []):
            yield from check_ingress_rule(part, f"{below(path, 'ingressDeny')}[{number}]", is_host_policy=False)
        for number, part in enumerate(rule.get("egressDeny") or []):
            yield from check_egress_rule(part, f"{below(path, 'egressDeny')}[{number}]", is_host_policy=False)

    return _rule_shape(check)


def _rule_shape(check: ObjectCheck) -> Object:
    label = Object({"key": Text(), "source": Text(), "value": Text()}, required=("key",))
    return Object(
        {
            "endpointSelector": CILIUM_SELECTOR,
            "nodeSelector": CILIUM_SELECTOR,
            "ingress": Items(Object(ingress_fields(is_deny=False))),
            "ingressDeny": Items(Object(ingress_fields(is_deny=True))),
            "egress": Items(Object(egress_fields(is_deny=False))),
            "egressDeny": Items(Object(egress_fields(is_deny=True))),
            "enableDefaultDeny": Object({"egress": Flag(), "ingress": Flag()}),
            "description": Text(),
            "labels": Items(label),
            "log": Object({"value": Text(maximum=_MAXIMUM_LOG_VALUE, check=printable)}),
        },
        exactly_one=("endpointSelector", "nodeSelector"),
        check=check,
    )


def _check_sections(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """The server counts an empty list as a section; the agent does not, and then enforces nothing of the object."""
    if any(rule.get(section) for section in SECTIONS):
        return
    given = next((section for section in SECTIONS if rule.get(section) is not None), None)
    if given is None:
        yield path, f"must have at least one of {', '.join(SECTIONS)}"
    else:
        yield below(path, given), "the agent refuses a rule with empty sections only: write [{}] to deny everything"


def _check_policy(policy: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if policy.get("spec") is None and policy.get("specs") is None:
        yield path or "spec", "spec or specs must be provided"


def _policy(*, is_namespaced: bool) -> Kind:
    rule = _rule(is_namespaced=is_namespaced)
    return kind(
        rule,
        is_namespaced=is_namespaced,
        is_spec_required=False,
        others={"specs": Items(rule)},
        check=_check_policy,
    )


_CIDR_GROUP = kind(
    Object({"externalCIDRs": Items(Text(check=loose_cidr))}, required=("externalCIDRs",)), is_namespaced=False
)

KINDS: Mapping[Key, Kind] = {
    ("cilium.io/v2", "CiliumNetworkPolicy"): _policy(is_namespaced=True),
    ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"): _policy(is_namespaced=False),
    ("cilium.io/v2", "CiliumCIDRGroup"): _CIDR_GROUP,
    ("cilium.io/v2alpha1", "CiliumCIDRGroup"): _CIDR_GROUP,
}
