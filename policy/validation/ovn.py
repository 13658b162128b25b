"""``k8s.ovn.org/v1`` EgressFirewall: one object, named default, owns its namespace."""

from collections.abc import Mapping

from policy.dialects import ovn as dialect
from policy.dialects.result import InvalidPattern
from policy.validation.kinds import Key, Kind, kind
from policy.validation.networkpolicy import PORT_NUMBER, PROTOCOLS
from policy.validation.schema import Items, Object, Text
from policy.validation.selectors import LABEL_SELECTOR
from policy.validation.texts import loose_cidr


def _dns_name(text: str) -> str | None:
    try:
        dialect.check_pattern(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


def _only_default(text: str) -> str | None:
    return None if text == "default" else "the one EgressFirewall of a namespace must be named default"


# The patterns of the CRD are open at both ends (`^Allow|Deny$`), so the controller alone refuses `Allowx` and `XUDPX`.
_PORT = Object({"protocol": Text(choices=PROTOCOLS), "port": PORT_NUMBER}, required=("protocol", "port"))
_TO = Object(
    {"cidrSelector": Text(check=loose_cidr), "dnsName": Text(check=_dns_name), "nodeSelector": LABEL_SELECTOR},
    minimum=1,
    maximum=1,
)
_RULE = Object({"type": Text(choices=("Allow", "Deny")), "to": _TO, "ports": Items(_PORT)}, required=("type", "to"))

KINDS: Mapping[Key, Kind] = {
    ("k8s.ovn.org/v1", "EgressFirewall"): kind(
        Object({"egress": Items(_RULE)}, required=("egress",)), is_namespaced=True, name=_only_default
    ),
}
