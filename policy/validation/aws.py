"""``networking.k8s.aws/v1alpha1``: ApplicationNetworkPolicy and the ClusterNetworkPolicy of AWS."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.domains import domain_names
from policy.validation.kinds import Key, Kind, kind
from policy.validation.networkpolicy import (
    POLICY_TYPES,
    PORT_NUMBER,
    PROTOCOLS,
    check_peer,
    ip_block,
    peer,
    policy_spec,
)
from policy.validation.policyapi import PRIORITY, RULE_NAME, TIERS, names_need_accept, networks, pods, subject
from policy.validation.schema import Items, Object, Problem, Shape, Text
from policy.validation.selectors import LABEL_SELECTOR
from policy.validation.texts import port_name

_GROUP = "networking.k8s.aws/v1alpha1"
_MAXIMUM = 100


def _check_application_peer(value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from check_peer({key: part for key, part in value.items() if key != "domainNames"} or value, path)
    others = [key for key in ("ipBlock", "podSelector", "namespaceSelector") if value.get(key) is not None]
    if value.get("domainNames") is not None and others:
        yield path, f"{' and '.join(others)} and domainNames are mutually exclusive"


def _check_range(value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if value["start"] >= value["end"]:
        yield path, "the start must be below the end"


def _check_egress(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    return names_need_accept(rule, path, accept="Accept")


def _cluster_rule(*, is_egress: bool) -> Object:
    number = Object({"port": PORT_NUMBER, "protocol": Text(choices=PROTOCOLS)}, required=("port",))
    span = Object(
        {"start": PORT_NUMBER, "end": PORT_NUMBER, "protocol": Text(choices=PROTOCOLS)},
        required=("start", "end"),
        check=_check_range,
    )
    port = Object({"namedPort": Text(check=port_name), "portNumber": number, "portRange": span})
    chosen: dict[str, Shape] = {"namespaces": LABEL_SELECTOR, "pods": pods(is_namespace_required=True)}
    if is_egress:
        chosen |= {"networks": networks(), "domainNames": domain_names(maximum=25)}
    peers = "to" if is_egress else "from"
    return Object(
        {
            "action": Text(choices=("Accept", "Deny", "Pass")),
            "name": RULE_NAME,
            "ports": Items(port, minimum=1, maximum=_MAXIMUM),
            peers: Items(Object(chosen, minimum=1, maximum=1), minimum=1, maximum=_MAXIMUM),
        },
        required=("action", peers),
        check=_check_egress if is_egress else None,
    )


_APPLICATION_PEER = Object(
    {**peer().fields, "ipBlock": ip_block(host_bits=True), "domainNames": domain_names(maximum=None)},
    check=_check_application_peer,
)
_CLUSTER_SPEC = Object(
    {
        "tier": Text(choices=TIERS),
        "priority": PRIORITY,
        "subject": subject(is_namespace_required=True),
        "ingress": Items(_cluster_rule(is_egress=False), maximum=_MAXIMUM),
        "egress": Items(_cluster_rule(is_egress=True), maximum=_MAXIMUM),
    },
    required=("tier", "priority", "subject"),
)
_APPLICATION_SPEC = policy_spec(
    egress_peer=_APPLICATION_PEER, policy_types=Items(Text(choices=POLICY_TYPES)), required=("podSelector",)
)

KINDS: Mapping[Key, Kind] = {
    (_GROUP, "ApplicationNetworkPolicy"): kind(_APPLICATION_SPEC, is_namespaced=True, is_spec_required=False),
    (_GROUP, "ClusterNetworkPolicy"): kind(_CLUSTER_SPEC, is_namespaced=False, is_spec_required=False),
}
