"""``policy.networking.k8s.io``: ClusterNetworkPolicy, and the AdminNetworkPolicy and baseline that it replaced."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.domains import domain_names
from policy.validation.kinds import Key, Kind, kind
from policy.validation.networkpolicy import PORT_NUMBER, PROTOCOLS
from policy.validation.schema import Items, Object, Problem, Shape, Text, Whole, below
from policy.validation.selectors import LABEL_SELECTOR
from policy.validation.texts import loose_cidr, port_name

TIERS = ("Admin", "Baseline")
PRIORITY = Whole(minimum=0, maximum=1000)
RULE_NAME = Text(maximum=100)
_OUTSIDE_PEERS = ("networks", "nodes", "domainNames")


def networks(check: Any = loose_cidr) -> Items:
    """A set of networks; the server takes host bits."""
    return Items(Text(maximum=43, check=check), minimum=1, maximum=25, is_set=True)


def pods(*, is_namespace_required: bool) -> Object:
    """Pods by their labels and those of their namespace."""
    required = ("namespaceSelector", "podSelector") if is_namespace_required else ("podSelector",)
    return Object({"namespaceSelector": LABEL_SELECTOR, "podSelector": LABEL_SELECTOR}, required=required)


def subject(*, is_namespace_required: bool) -> Object:
    """The pods that a policy applies to."""
    chosen: dict[str, Shape] = {"namespaces": LABEL_SELECTOR, "pods": pods(is_namespace_required=is_namespace_required)}
    return Object(chosen, minimum=1, maximum=1)


def names_need_accept(rule: Mapping[str, Any], path: str, *, accept: str) -> Iterator[Problem]:
    """Names cannot be denied or passed: every implementation refuses that, though not every server does."""
    if rule["action"] == accept:
        return
    for number, peer in enumerate(rule["to"]):
        if peer.get("domainNames") is not None:
            yield f"{path}.to[{number}].domainNames", f"names are for rules with the action {accept} only"


def _named_ports_need_pods(rule: Mapping[str, Any], path: str, *, ports: str, named: str) -> Iterator[Problem]:
    outside = any(peer.get(key) is not None for peer in rule["to"] for key in _OUTSIDE_PEERS)
    if not outside:
        return
    for number, port in enumerate(rule.get(ports) or []):
        if port.get(named) is not None:
            yield f"{path}.{ports}[{number}].{named}", "networks, nodes and domainNames have no named ports"


def _check_range(value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if value["start"] >= value["end"]:
        yield path, "the start must be below the end: write a single port as a number"


def _cnp_rule(*, is_egress: bool) -> Object:
    port_range = Object({"start": PORT_NUMBER, "end": PORT_NUMBER}, required=("start", "end"), check=_check_range)
    port = Object({"number": PORT_NUMBER, "range": port_range}, minimum=1, maximum=1)
    transport = Object({"destinationPort": port}, minimum=1)
    fields: dict[str, Shape] = {"destinationNamedPort": Text(check=port_name)}
    protocol = Object(fields | dict.fromkeys(("tcp", "udp", "sctp"), transport), minimum=1, maximum=1)

    def check(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
        yield from names_need_accept(rule, path, accept="Accept")
        yield from _named_ports_need_pods(rule, path, ports="protocols", named="destinationNamedPort")

    return Object(
        {
            "action": Text(choices=("Accept", "Deny", "Pass")),
            "name": RULE_NAME,
            "protocols": Items(protocol, minimum=1, maximum=25),
            **_peers(is_egress=is_egress, has_names=True, is_namespace_required=False, maximum=25),
        },
        required=("action", "to" if is_egress else "from"),
        check=check if is_egress else None,
    )


def _anp_rule(*, is_egress: bool, is_baseline: bool) -> Object:
    number = Object({"port": PORT_NUMBER, "protocol": Text(choices=PROTOCOLS)}, required=("port",))
    span = Object(
        {"start": PORT_NUMBER, "end": PORT_NUMBER, "protocol": Text(choices=PROTOCOLS)}, required=("start", "end")
    )
    port = Object({"namedPort": Text(check=port_name), "portNumber": number, "portRange": span}, minimum=1, maximum=1)

    def check(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
        yield from names_need_accept(rule, path, accept="Allow")
        yield from _named_ports_need_pods(rule, path, ports="ports", named="namedPort")

    return Object(
        {
            "action": Text(choices=("Allow", "Deny") if is_baseline else ("Allow", "Deny", "Pass")),
            "name": RULE_NAME,
            "ports": Items(port, minimum=1, maximum=100),
            **_peers(is_egress=is_egress, has_names=not is_baseline, is_namespace_required=True, maximum=100),
        },
        required=("action", "to" if is_egress else "from"),
        check=check if is_egress else None,
    )


def _peers(*, is_egress: bool, has_names: bool, is_namespace_required: bool, maximum: int) -> dict[str, Shape]:
    chosen: dict[str, Shape] = {"namespaces": LABEL_SELECTOR, "pods": pods(is_namespace_required=is_namespace_required)}
    if is_egress:
        chosen |= {"networks": networks(), "nodes": LABEL_SELECTOR}
        chosen |= {"domainNames": domain_names(maximum=25)} if has_names else {}
    peer = Object(chosen, minimum=1, maximum=1)
    return {"to" if is_egress else "from": Items(peer, minimum=1, maximum=maximum)}


def _baseline_name(policy: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if policy["metadata"].get("name") != "default":
        yield below(path, "metadata.name"), "the one baseline of a cluster must be named default"


def _admin_spec(*, is_baseline: bool) -> Object:
    fields: dict[str, Shape] = {
        "subject": subject(is_namespace_required=True),
        "ingress": Items(_anp_rule(is_egress=False, is_baseline=is_baseline), maximum=100),
        "egress": Items(_anp_rule(is_egress=True, is_baseline=is_baseline), maximum=100),
    }
    if is_baseline:
        return Object(fields, required=("subject",))
    return Object(fields | {"priority": PRIORITY}, required=("subject", "priority"))


_CLUSTER_SPEC = Object(
    {
        "tier": Text(choices=TIERS),
        "priority": PRIORITY,
        "subject": subject(is_namespace_required=False),
        "ingress": Items(_cnp_rule(is_egress=False), maximum=25),
        "egress": Items(_cnp_rule(is_egress=True), maximum=25),
    },
    required=("tier", "priority", "subject"),
)

KINDS: Mapping[Key, Kind] = {
    ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"): kind(_CLUSTER_SPEC, is_namespaced=False),
    ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"): kind(
        _admin_spec(is_baseline=False), is_namespaced=False
    ),
    ("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy"): kind(
        _admin_spec(is_baseline=True), is_namespaced=False, check=_baseline_name
    ),
}
