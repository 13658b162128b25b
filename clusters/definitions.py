"""What a person may write about a cluster, checked field by field."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import re2
from django.utils.translation import gettext as _

from clusters.errors import InvalidCluster
from policy.errors import InvalidSelector
from policy.selectors import check_label_key, check_label_value

MAX_LABELS = 50
MAX_ADDRESSES = 8
MAX_PORTS = 8
_NAME = re2.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

DnsValue = str | list[str] | list[int] | dict[str, str]


def checked_name(name: object) -> str:
    """A cluster's or namespace's name, as Kubernetes spells labels."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidCluster(
            {"name": _("Lower-case letters, digits and hyphens, at most 63, beginning with a letter or digit.")}
        )
    return name


def checked_labels(labels: object, *, field: str = "labels") -> dict[str, str]:
    """Labels that Kubernetes would take too."""
    if not isinstance(labels, Mapping) or len(labels) > MAX_LABELS:
        raise InvalidCluster({field: _("At most %(count)d labels of the form key=value.") % {"count": MAX_LABELS}})
    try:
        return {check_label_key(_text(key)): check_label_value(_text(value)) for key, value in sorted(labels.items())}
    except InvalidSelector as error:
        raise InvalidCluster({field: error.message}) from None


def checked_dns(dns: object) -> dict[str, DnsValue]:
    """Where pods ask for names, holding only the keys that differ from the template's default."""
    if not isinstance(dns, Mapping):
        raise InvalidCluster({"dns": _("Named values are needed.")})
    unknown = sorted(str(key) for key in set(dns) - set(_DNS_CHECKS))
    if unknown:
        raise InvalidCluster({"dns": _("Not known here: %(names)s") % {"names": ", ".join(unknown)[:200]}})
    return {str(key): _DNS_CHECKS[key](value) for key, value in sorted(dns.items()) if value not in ("", [], {}, None)}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidSelector("A label is text")
    return value


def _dns_namespace(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidCluster({"dns_namespace": _("The name of a namespace is needed.")})
    return value


def _dns_labels(value: object) -> dict[str, str]:
    return checked_labels(value, field="dns_pod_labels")


def _dns_ports(value: object) -> list[int]:
    is_list = isinstance(value, list) and 0 < len(value) <= MAX_PORTS
    if not is_list or not all(type(port) is int and 1 <= port <= 65535 for port in _list(value)):
        raise InvalidCluster({"dns_ports": _("Port numbers between 1 and 65535 are needed.")})
    return sorted(set(_list(value)))


def _addresses(field: str) -> Callable[[object], list[str]]:
    def checked(value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > MAX_ADDRESSES:
            raise InvalidCluster({field: _("At most %(count)d addresses.") % {"count": MAX_ADDRESSES}})
        try:
            return sorted({str(ipaddress.ip_address(address)) for address in value})
        except ValueError:
            raise InvalidCluster({field: _("IP addresses are needed, such as 169.254.20.10.")}) from None

    return checked


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


_DNS_CHECKS: dict[str, Callable[[object], DnsValue]] = {
    "namespace": _dns_namespace,
    "pod_labels": _dns_labels,
    "ports": _dns_ports,
    "node_local_addresses": _addresses("dns_node_local_addresses"),
    "service_addresses": _addresses("dns_service_addresses"),
}
