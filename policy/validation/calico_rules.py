"""The rules of Calico policies: their fields, and what its own validator refuses behind the API server."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.dialects import calico as dialect
from policy.dialects.result import InvalidPattern
from policy.validation.calico_selectors import functions_of, selector_problem
from policy.validation.schema import (
    Items,
    Object,
    Problem,
    Shape,
    Text,
    TextMap,
    Whole,
    WholeOrText,
    below,
    quoted,
)
from policy.validation.texts import MAXIMUM_PORT, NotANetwork, cidr, loose_cidr, read_network

ACTIONS = ("Allow", "Deny", "Log", "Pass")
PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite")
_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP", 6, 17, 132, "6", "17", "132"})
_ICMP = frozenset({"ICMP", "ICMPv6", 1, 58, "1", "58"})
_FAMILY_OF_ICMP = {"ICMP": 4, "ICMPv6": 6}
_PORT_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_NET_FIELDS = ("nets", "notNets")
_PORT_FIELDS = ("ports", "notPorts")
_CATCH_ALL = frozenset({"0.0.0.0/0", "::/0"})


def set_network(text: str) -> str | None:
    """What keeps the text from being a member of a network set: a CIDR, host bits allowed, or one address."""
    if "/" in text:
        return loose_cidr(text)
    return loose_cidr(f"{text}/{128 if ':' in text else 32}") and f"{quoted(text)} is neither a CIDR nor an address"


def selector(*, allow_global: bool = False) -> Text:
    """A selector; ``global()`` belongs into the namespace selector of a rule, and there alone."""

    def check(text: str) -> str | None:
        problem = selector_problem(text)
        if problem:
            return problem
        if "global" not in functions_of(text):
            return None
        if not allow_global:
            return "global() can be used in the namespaceSelector of a rule only"
        return None if text.strip(" \t()!") == "global" else "global() cannot be combined with other conditions"

    return Text(check=check)


def _port(text: str) -> str | None:
    first, colon, last = text.partition(":")
    if colon:
        if not (_is_port(first) and _is_port(last)):
            return f"{quoted(text)} is no range of ports such as 8000:9000"
        return None if int(first) <= int(last) else f"{quoted(text)} is a range that ends before it begins"
    if text.isascii() and text.isdigit():
        return None if _is_port(text) else f"{quoted(text)} is no port between 1 and {MAXIMUM_PORT}"
    return None if text and len(text) <= 128 and _PORT_NAME.issuperset(text) else f"{quoted(text)} is no port"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MAXIMUM_PORT


def _protocol(text: str) -> str | None:
    if text in PROTOCOLS or (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 255):
        return None
    return f"{quoted(text)} is no protocol, use a number or one of {', '.join(PROTOCOLS)}"


def _domain(text: str) -> str | None:
    try:
        dialect.check_pattern(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


def _path(text: str) -> str | None:
    return None if text.startswith("/") and not set(text) & set("? #") else "must begin with '/', without '?' or '#'"


def _check_icmp(icmp: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if icmp.get("code") is not None and icmp.get("type") is None:
        yield path, "an ICMP code needs an ICMP type"


_PORTS = Items(WholeOrText(Whole(minimum=1, maximum=MAXIMUM_PORT), Text(check=_port)))
_PROTOCOL = WholeOrText(Whole(minimum=1, maximum=255), Text(check=_protocol))
_ICMP_MATCH = Object({"type": Whole(minimum=0, maximum=254), "code": Whole(minimum=0, maximum=255)}, check=_check_icmp)
_HTTP = Object(
    {
        "methods": Items(Text(), maximum=20, is_set=True),
        "paths": Items(
            Object(
                {"exact": Text(maximum=1024, check=_path), "prefix": Text(maximum=1024, check=_path)},
                exactly_one=("exact", "prefix"),
            ),
            maximum=20,
        ),
    }
)


def _entity(*, has_domains: bool) -> Object:
    fields: dict[str, Shape] = {
        "nets": Items(Text(check=cidr), is_set=True),
        "notNets": Items(Text(check=cidr)),
        "ports": _PORTS,
        "notPorts": _PORTS,
        "selector": selector(),
        "notSelector": selector(),
        "namespaceSelector": selector(allow_global=True),
        "serviceAccounts": Object({"names": Items(Text(), is_set=True), "selector": selector()}),
        "services": Object({"name": Text(), "namespace": Text()}),
    }
    return Object(fields | ({"domains": Items(Text(check=_domain), is_set=True)} if has_domains else {}))


def rule_shape(*, has_domains: bool) -> Object:
    """The shape of a rule; ``domains`` of a destination exist in Enterprise and Cloud only."""
    return Object(
        {
            "action": Text(choices=ACTIONS),
            "source": _entity(has_domains=False),
            "destination": _entity(has_domains=has_domains),
            "http": _HTTP,
            "icmp": _ICMP_MATCH,
            "notICMP": _ICMP_MATCH,
            "ipVersion": Whole(choices=(4, 6)),
            "metadata": Object({"annotations": TextMap()}),
            "protocol": _PROTOCOL,
            "notProtocol": _PROTOCOL,
        },
        required=("action",),
    )


def check_rule(rule: Mapping[str, Any], path: str, *, direction: str, is_global: bool) -> Iterator[Problem]:
    """What Calico refuses of a rule that has the right shape."""
    yield from _check_protocol(rule, path)
    yield from _check_families(rule, path)
    yield from _check_http(rule, path, direction=direction)
    for side in ("source", "destination"):
        entity = rule.get(side) or {}
        here = below(path, side)
        yield from _check_services(entity, here, is_right_side=(side == "destination") == (direction == "egress"))
        if entity.get("services") is not None and is_global and not entity["services"].get("namespace"):
            yield f"{here}.services.namespace", "required in a cluster-wide policy"
        if entity.get("domains") and (direction != "egress" or rule["action"] != "Allow"):
            yield f"{here}.domains", "names are for Allow rules of egress only"


def _check_protocol(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    protocol = rule.get("protocol")
    for side in ("source", "destination"):
        for field in _PORT_FIELDS:
            if (rule.get(side) or {}).get(field) and protocol not in _WITH_PORTS:
                yield f"{path}.{side}.{field}", "a rule with ports must set the protocol to TCP, UDP or SCTP"
    if rule.get("icmp") is not None and protocol not in _ICMP:
        yield below(path, "icmp"), "a rule with ICMP fields must set the protocol to ICMP or ICMPv6"
    for field in ("protocol", "notProtocol"):
        family = _FAMILY_OF_ICMP.get(str(rule.get(field)))
        if family and rule.get("ipVersion") not in (None, family):
            yield below(path, "ipVersion"), f"must be {family} with {rule[field]}"


def _check_families(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """One rule holds addresses of one family, and ``notNets`` leaves something over."""
    seen: set[int] = set()
    for side in ("source", "destination"):
        for field in _NET_FIELDS:
            here = f"{path}.{side}.{field}"
            nets = (rule.get(side) or {}).get(field) or []
            families = {_family(net) for net in nets}
            if rule.get("ipVersion") is not None and families - {rule["ipVersion"]}:
                yield here, f"does not fit ipVersion {rule['ipVersion']}"
            seen |= families
            if len(seen) > 1 and families:
                yield here, "IPv4 and IPv6 may not stand in one rule"
            if field == "notNets" and _CATCH_ALL & set(nets):
                yield here, "excepting every address leaves nothing"


def _family(net: str) -> int:
    try:
        return read_network(net).version
    except NotANetwork:
        return 0


def _check_http(rule: Mapping[str, Any], path: str, *, direction: str) -> Iterator[Problem]:
    if rule.get("http") is None:
        return
    if direction == "egress":
        yield below(path, "http"), "HTTP match is not allowed in egress rules"
    if rule["action"] != "Allow":
        yield below(path, "http"), "HTTP match is only valid on Allow rules"
    if rule.get("protocol") not in (None, "TCP", 6):
        yield below(path, "http"), "HTTP match needs the protocol TCP, or none"


def _check_services(entity: Mapping[str, Any], path: str, *, is_right_side: bool) -> Iterator[Problem]:
    services = entity.get("services")
    if services is None:
        return
    if not is_right_side:
        yield below(path, "services"), "services are the destination of egress or the source of ingress"
    if not services.get("name"):
        yield f"{path}.services.name", "required"
    excluded = (
        "ports",
        "notPorts",
        "selector",
        "notSelector",
        "namespaceSelector",
        "serviceAccounts",
        "nets",
        "notNets",
    )
    given = [field for field in excluded if entity.get(field)]
    if given:
        yield below(path, "services"), f"cannot be combined with {', '.join(given)}"
