"""The ingress and egress rules of Cilium: their fields, and what its agent refuses after the server has accepted it."""

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from policy.dialects import cilium as dialect
from policy.dialects.result import InvalidPattern
from policy.validation.schema import (
    Anything,
    Items,
    Object,
    Problem,
    Shape,
    Text,
    TextCheck,
    TextMap,
    Whole,
    WholeOrText,
    below,
    quoted,
)
from policy.validation.selectors import CILIUM_SELECTOR
from policy.validation.texts import MAXIMUM_PORT, dns_subdomain, is_inside, is_service_name, loose_cidr, read_network

MAXIMUM_PORTS = 40
ENTITIES = (
    "all",
    "world",
    "cluster",
    "cluster-mesh",
    "host",
    "init",
    "ingress",
    "unmanaged",
    "remote-node",
    "health",
    "none",
    "kube-apiserver",
)
PORTLESS_PROTOCOLS = ("VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH")
PROTOCOLS = ("TCP", "UDP", "SCTP", *PORTLESS_PROTOCOLS, "ANY")
_ICMP_TYPES = (
    *("EchoReply", "DestinationUnreachable", "Redirect", "Echo", "RouterAdvertisement", "RouterSelection"),
    *("TimeExceeded", "ParameterProblem", "Timestamp", "TimestampReply", "Photuris", "ExtendedEchoRequest"),
    *("ExtendedEcho Reply", "PacketTooBig", "EchoRequest", "MulticastListenerQuery", "MulticastListenerReport"),
    *("MulticastListenerDone", "RouterSolicitation", "NeighborSolicitation", "NeighborAdvertisement"),
    *("RedirectMessage", "RouterRenumbering", "ICMPNodeInformationQuery", "ICMPNodeInformationResponse"),
    *("InverseNeighborDiscoverySolicitation", "InverseNeighborDiscoveryAdvertisement"),
    *("HomeAgentAddressDiscoveryRequest", "HomeAgentAddressDiscoveryReply", "MobilePrefixSolicitation"),
    *("MobilePrefixAdvertisement", "DuplicateAddressRequestCodeSuffix", "DuplicateAddressConfirmationCodeSuffix"),
)
_MAXIMUM_ICMP_TYPE = 255
_AUTHENTICATION_MODES = ("disabled", "required", "test-always-fail")
_MISMATCHES = ("LOG", "ADD", "DELETE", "REPLACE")


def _name_pattern(*, wildcards: bool) -> TextCheck:
    def check(text: str) -> str | None:
        try:
            dialect.check_pattern(text, wildcards=wildcards)
        except InvalidPattern as problem:
            return str(problem)
        return None

    return check


def _port(text: str) -> str | None:
    """The pattern of the CRD is open at its end, so the agent alone stops ``443x!`` and ``99999``."""
    if is_service_name(text):
        return None
    if not text.isascii() or not text.isdigit():
        return f"{quoted(text)} is neither a port number nor the name of a service"
    return None if int(text[-9:]) <= MAXIMUM_PORT and len(text) <= 9 else f"{quoted(text)} is above {MAXIMUM_PORT}"


def _icmp_type(text: str) -> str | None:
    if text in _ICMP_TYPES or (text.isascii() and text.isdigit() and str(int(text[:4])) == text):
        return None if not text.isdigit() or int(text) <= _MAXIMUM_ICMP_TYPE else f"{quoted(text)} is above 255"
    return f"{quoted(text)} is no type of ICMP"


def _expression(text: str) -> str | None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(text, options)
    except re2.error:
        return f"{quoted(text)} is no regular expression that the agent can compile"
    return None


def _check_cidr_rule(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if rule.get("cidr") is None:
        return
    whole = read_network(rule["cidr"], host_bits=True)
    for number, text in enumerate(rule.get("except") or []):
        if not is_inside(read_network(text, host_bits=True), whole):
            yield f"{below(path, 'except')}[{number}]", f"{text!r} lies outside {rule['cidr']}"


_CIDR = Text(check=loose_cidr)
_CIDR_RULE = Object(
    {
        "cidr": _CIDR,
        "cidrGroupRef": Text(check=dns_subdomain),
        "cidrGroupSelector": CILIUM_SELECTOR,
        "except": Items(_CIDR),
    },
    exactly_one=("cidr", "cidrGroupRef", "cidrGroupSelector"),
    check=_check_cidr_rule,
)
_NAME = Text(maximum=255, check=_name_pattern(wildcards=False))
_PATTERN = Text(maximum=255, check=_name_pattern(wildcards=True))
_FQDN = Object({"matchName": _NAME, "matchPattern": _PATTERN}, exactly_one=("matchName", "matchPattern"))
_SECRET = Object({"name": Text(), "namespace": Text()}, required=("name",))
_TLS = Object(
    {"certificate": Text(), "privateKey": Text(), "trustedCA": Text(), "secret": _SECRET}, required=("secret",)
)
_HEADER_MATCH = Object(
    {"mismatch": Text(choices=_MISMATCHES), "name": Text(minimum=1), "secret": _SECRET, "value": Text()},
    required=("name",),
)
_HTTP = Object(
    {
        "headerMatches": Items(_HEADER_MATCH),
        "headers": Items(Text()),
        "host": Text(),
        "method": Text(check=_expression),
        "path": Text(check=_expression),
    }
)
_L7_RULES = Object({"dns": Items(_FQDN), "http": Items(_HTTP)}, exactly_one=("dns", "http"))
_LISTENER = Object(
    {
        "envoyConfig": Object(
            {"kind": Text(choices=("CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig")), "name": Text(minimum=1)},
            required=("name",),
        ),
        "name": Text(minimum=1),
        "priority": Whole(minimum=1, maximum=100),
    },
    required=("envoyConfig", "name"),
)
_PORT = Object(
    {
        "port": Text(check=_port),
        "endPort": Whole(minimum=0, maximum=MAXIMUM_PORT),
        "protocol": Text(choices=PROTOCOLS),
    }
)
_ICMP_FIELD = Object(
    {
        "family": Text(choices=("IPv4", "IPv6")),
        "type": WholeOrText(Whole(minimum=0, maximum=_MAXIMUM_ICMP_TYPE), Text(check=_icmp_type)),
    },
    required=("type",),
)
_GROUP = Object(
    {
        "aws": Object(
            {
                "labels": TextMap(),
                "region": Text(),
                "securityGroupsIds": Items(Text()),
                "securityGroupsNames": Items(Text()),
            }
        )
    }
)
_SERVICE = Object(
    {
        "k8sService": Object({"namespace": Text(), "serviceName": Text()}),
        "k8sServiceSelector": Object({"namespace": Text(), "selector": CILIUM_SELECTOR}, required=("selector",)),
    }
)


def egress_fields(*, is_deny: bool) -> dict[str, Shape]:
    """The fields of an egress rule; a deny rule knows no names, no layer 7 and no server names."""
    fields = _peer_fields("to", is_deny=is_deny) | {"toServices": Items(_SERVICE)}
    return fields if is_deny else fields | {"toFQDNs": Items(_FQDN)}


def ingress_fields(*, is_deny: bool) -> dict[str, Shape]:
    """The fields of an ingress rule."""
    return _peer_fields("from", is_deny=is_deny)


def _peer_fields(prefix: str, *, is_deny: bool) -> dict[str, Shape]:
    selectors = Items(CILIUM_SELECTOR)
    fields: dict[str, Shape] = {
        f"{prefix}Endpoints": selectors,
        f"{prefix}Nodes": selectors,
        f"{prefix}CIDR": Items(_CIDR),
        f"{prefix}CIDRSet": Items(_CIDR_RULE),
        f"{prefix}Entities": Items(Text(choices=ENTITIES)),
        f"{prefix}Groups": Items(_GROUP),
        f"{prefix}Requires": Items(Anything(), maximum=0),
        "toPorts": Items(_port_rule(is_deny=is_deny)),
        "icmps": Items(Object({"fields": Items(_ICMP_FIELD, maximum=MAXIMUM_PORTS)})),
    }
    if not is_deny:
        fields["authentication"] = Object({"mode": Text(choices=_AUTHENTICATION_MODES)}, required=("mode",))
    return fields


def _port_rule(*, is_deny: bool) -> Object:
    fields: dict[str, Shape] = {"ports": Items(_PORT, maximum=MAXIMUM_PORTS)}
    if not is_deny:
        fields |= {
            "listener": _LISTENER,
            "originatingTLS": _TLS,
            "terminatingTLS": _TLS,
            "rules": _L7_RULES,
            "serverNames": Items(_PATTERN, minimum=1, is_set=True),
        }
    return Object(fields)


def check_egress_rule(rule: Mapping[str, Any], path: str, *, is_host_policy: bool) -> Iterator[Problem]:
    """What the agent refuses of an egress rule that has the right shape."""
    yield from _check_rule(rule, path, prefix="to")
    for number, ports in enumerate(rule.get("toPorts") or []):
        here = f"{below(path, 'toPorts')}[{number}]"
        yield from _check_port_rule(ports, here)
        if is_host_policy and (ports.get("rules") or {}).get("http"):
            yield f"{here}.rules.http", "not supported for the egress of nodes"


def check_ingress_rule(rule: Mapping[str, Any], path: str, *, is_host_policy: bool) -> Iterator[Problem]:
    """What the agent refuses of an ingress rule that has the right shape."""
    yield from _check_rule(rule, path, prefix="from")
    for number, ports in enumerate(rule.get("toPorts") or []):
        here = f"{below(path, 'toPorts')}[{number}]"
        yield from _check_port_rule(ports, here)
        rules = ports.get("rules") or {}
        if rules.get("dns"):
            yield f"{here}.rules.dns", "DNS rules are not allowed on ingress"
        if ports.get("listener") is not None:
            yield f"{here}.listener", "a listener is not allowed on ingress"
        if is_host_policy and rules.get("http"):
            yield f"{here}.rules.http", "not supported for the ingress of nodes"


def _check_rule(rule: Mapping[str, Any], path: str, *, prefix: str) -> Iterator[Problem]:
    peers = [key for key, value in rule.items() if key.startswith(prefix) and key != "toPorts" and value]
    if len(peers) > 1:
        yield path, f"the agent refuses {' and '.join(sorted(peers))} in one rule: write one rule for each"
    if rule.get("icmps") and rule.get("toPorts"):
        yield below(path, "icmps"), "the agent refuses icmps beside toPorts: write one rule for each"


def _check_port_rule(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    rules = rule.get("rules") or {}
    has_rules = bool(rules.get("dns") or rules.get("http"))
    for number, port in enumerate(rule.get("ports") or []):
        here = f"{below(path, 'ports')}[{number}]"
        yield from _check_port(port, here)
        yield from _check_port_of_l7(port, here, rules=rules)
    if has_rules and rule.get("serverNames") and rule.get("terminatingTLS") is None:
        yield below(path, "serverNames"), "not allowed with layer 7 rules unless TLS is terminated"
    if has_rules and rule.get("listener") is not None:
        yield below(path, "listener"), "not allowed with layer 7 rules"
    if rules.get("dns") and not rule.get("ports"):
        yield below(path, "ports"), "DNS rules need the port of DNS to be named"


def _check_port(port: Mapping[str, Any], path: str) -> Iterator[Problem]:
    is_portless = port.get("protocol") in PORTLESS_PROTOCOLS
    number = port.get("port")
    if number is None and not is_portless:
        yield below(path, "port"), "required by the agent"
    elif number not in (None, "0") and is_portless:
        yield below(path, "port"), f"must be absent or 0, for {port['protocol']} has no ports"


def _check_port_of_l7(port: Mapping[str, Any], path: str, *, rules: Mapping[str, Any]) -> Iterator[Problem]:
    number = port.get("port") or ""
    has_dns, has_http = bool(rules.get("dns")), bool(rules.get("http"))
    if (has_dns or has_http) and number.isdigit() and int(number) == 0:
        yield below(path, "port"), "layer 7 rules need a port other than 0"
    if has_http and port.get("protocol") != "TCP":
        yield below(path, "protocol"), "layer 7 rules apply to TCP only, except DNS rules"
    if has_dns and number.isdigit() and (port.get("endPort") or 0) > int(number):
        yield below(path, "endPort"), "DNS rules do not support port ranges"
