"""The rules of Antrea policies: their fields, and what its webhook refuses."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policy.dialects import antrea as dialect
from policy.dialects.result import InvalidPattern
from policy.validation.networkpolicy import PORT_NUMBER, PROTOCOLS, check_port_range, ip_block
from policy.validation.schema import Flag, Items, Object, Problem, Shape, Text, Whole, WholeOrText, below, quoted
from policy.validation.selectors import LABEL_SELECTOR
from policy.validation.texts import label_key, label_value, port_name

ACTIONS = ("Allow", "Drop", "Reject", "Pass")
_METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")
_ALONE = ("group", "serviceAccount", "nodeSelector")


def _fqdn(text: str) -> str | None:
    try:
        dialect.check_pattern(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


def _address(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return f"{quoted(text)} is no address"
    return None if address.is_multicast else f"{quoted(text)} is no multicast address"


def _check_port(port: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from check_port_range(port, path)
    first, last = port.get("sourcePort"), port.get("sourceEndPort")
    if last is not None and first is None:
        yield below(path, "sourceEndPort"), "may not be given without sourcePort"
    elif last is not None and last < first:
        yield below(path, "sourceEndPort"), f"must be at least sourcePort, {first}"


_REFERENCE = Object({"name": Text(), "namespace": Text()}, required=("name", "namespace"))
_PORT = Object(
    {
        "protocol": Text(choices=PROTOCOLS),
        "port": WholeOrText(PORT_NUMBER, Text(check=port_name)),
        "endPort": PORT_NUMBER,
        "sourcePort": PORT_NUMBER,
        "sourceEndPort": PORT_NUMBER,
    },
    check=_check_port,
)
_L7 = Object(
    {
        "http": Object({"host": Text(), "method": Text(choices=_METHODS), "path": Text()}),
        "tls": Object({"sni": Text()}),
    },
    exactly_one=("http", "tls"),
)
_NAMESPACES = Object(
    {"match": Text(choices=("Self",)), "sameLabels": Items(Text(check=label_key))}, minimum=1, maximum=1
)
_SCOPE = Text(choices=("Cluster", "ClusterSet"))


def check_applied_to(members: Sequence[Mapping[str, Any]], path: str, *, has_egress: bool) -> Iterator[Problem]:
    """What the webhook refuses of ``appliedTo``: some kinds stand alone, and services take ingress only."""
    for number, member in enumerate(members):
        yield from _stands_alone(member, f"{path}[{number}]", fields=(*_ALONE, "service"))
    services = [member for member in members if member.get("service")]
    if services and has_egress:
        yield path, "an egress rule cannot be applied to services"
    if services and len(services) < len(members):
        yield path, "services cannot stand beside other members"


def _check_peer(peer: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from _stands_alone(peer, path, fields=_ALONE)
    if peer.get("namespaceSelector") is not None and peer.get("namespaces") is not None:
        yield path, "namespaces and namespaceSelector cannot be set together"


def _stands_alone(member: Mapping[str, Any], path: str, *, fields: tuple[str, ...]) -> Iterator[Problem]:
    given = [key for key, value in member.items() if value is not None]
    alone = next((field for field in fields if field in given), None)
    if alone and len(given) > 1:
        yield path, f"{alone} cannot be set with {', '.join(key for key in given if key != alone)}"


APPLIED_TO = Object(
    {
        "podSelector": LABEL_SELECTOR,
        "namespaceSelector": LABEL_SELECTOR,
        "externalEntitySelector": LABEL_SELECTOR,
        "nodeSelector": LABEL_SELECTOR,
        "group": Text(),
        "serviceAccount": _REFERENCE,
        "service": _REFERENCE,
    }
)


def _protocol(*, igmp_types: tuple[int, ...]) -> Object:
    number = Whole(minimum=0, maximum=255)
    return Object(
        {
            "icmp": Object({"icmpType": number, "icmpCode": number}),
            "igmp": Object({"igmpType": Whole(choices=igmp_types), "groupAddress": Text(check=_address)}),
        },
        exactly_one=("icmp", "igmp"),
    )


def rule_shape(*, is_egress: bool, is_cluster: bool) -> Object:
    """The shape of a rule; in a cluster-wide policy a service is named with its namespace."""
    peer: dict[str, Shape] = {
        "podSelector": LABEL_SELECTOR,
        "namespaceSelector": LABEL_SELECTOR,
        "externalEntitySelector": LABEL_SELECTOR,
        "nodeSelector": LABEL_SELECTOR,
        "namespaces": _NAMESPACES,
        "ipBlock": ip_block(host_bits=True),
        "group": Text(),
        "serviceAccount": _REFERENCE,
    }
    peer |= {"fqdn": Text(check=_fqdn)} if is_egress else {"scope": _SCOPE}
    fields: dict[str, Shape] = {
        "action": Text(choices=ACTIONS),
        "name": Text(),
        "appliedTo": Items(APPLIED_TO),
        "to" if is_egress else "from": Items(Object(peer, check=_check_peer)),
        "ports": Items(_PORT),
        "protocols": Items(_protocol(igmp_types=(18, 22, 34) if is_egress else (17,))),
        "l7Protocols": Items(_L7),
        "enableLogging": Flag(),
        "logLabel": Text(check=label_value),
    }
    if is_egress:
        required = ("name", "namespace") if is_cluster else ("name",)
        service = Object({"name": Text(), "namespace": Text(), "scope": _SCOPE}, required=required)
        fields["toServices"] = Items(service)
    return Object(fields, required=("action",))


def check_rule(rule: Mapping[str, Any], path: str, *, direction: str) -> Iterator[Problem]:
    """What the webhook refuses of a rule that has the right shape."""
    if rule.get("toServices") and any(rule.get(field) for field in ("to", "ports", "protocols")):
        yield below(path, "toServices"), "cannot be used with to, ports or protocols"
    yield from _check_layer_seven(rule, path)
    igmp = any(protocol.get("igmp") is not None for protocol in rule.get("protocols") or [])
    if igmp and rule["action"] in ("Pass", "Reject"):
        yield below(path, "action"), "IGMP does not support Pass or Reject"
    if igmp and any(rule.get(field) for field in ("ports", "toServices", "from", "to")):
        yield below(path, "protocols"), "IGMP cannot be used with peers or ports"


def _check_layer_seven(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not rule.get("l7Protocols"):
        return
    here = below(path, "l7Protocols")
    if rule["action"] != "Allow":
        yield here, "layer 7 protocols support the action Allow only"
    if rule.get("toServices"):
        yield here, "layer 7 protocols cannot be used with toServices"
    has_http = any(protocol.get("http") is not None for protocol in rule["l7Protocols"])
    other = any(port.get("protocol") not in (None, "TCP") for port in rule.get("ports") or [])
    if has_http and (other or rule.get("protocols")):
        yield here, "HTTP needs TCP"
