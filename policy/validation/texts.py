"""Texts that every kind shares: names, label keys and values, port names, CIDRs. Linear in the length of the text."""

import ipaddress
import string
from ipaddress import IPv4Network, IPv6Network

from policy.validation.schema import quoted

Network = IPv4Network | IPv6Network

_LOWER = frozenset(string.ascii_lowercase + string.digits)
_LOWER_AND_HYPHEN = _LOWER | frozenset("-")
_WORD = frozenset(string.ascii_letters + string.digits)
_VALUE = _WORD | frozenset("-_.")
_MAXIMUM_LABEL = 63
_MAXIMUM_SUBDOMAIN = 253
_MAXIMUM_PORT_NAME = 15
MAXIMUM_PORT = 65_535


class NotANetwork(ValueError):
    """A text that is no CIDR; the message says which rule it breaks."""


def dns_label(text: str) -> str | None:
    """What keeps the text from being a label of RFC 1123, such as the name of a namespace."""
    if not text or len(text) > _MAXIMUM_LABEL:
        return f"must have 1 to {_MAXIMUM_LABEL} characters"
    return None if _is_label(text) else f"{quoted(text)} must be lower-case letters, digits and '-' inside"


def dns_subdomain(text: str) -> str | None:
    """What keeps the text from being a subdomain of RFC 1123, such as the name of most objects."""
    if not text or len(text) > _MAXIMUM_SUBDOMAIN:
        return f"must have 1 to {_MAXIMUM_SUBDOMAIN} characters"
    if all(_is_label(label) for label in text.split(".")):
        return None
    return f"{quoted(text)} must be lower-case letters, digits, '-' and '.', with a letter or digit at each end"


def label_key(text: str) -> str | None:
    """What keeps the text from being a key of labels: an optional DNS prefix and a word of at most 63 characters."""
    prefix, slash, name = text.rpartition("/")
    if slash and ("/" in prefix or dns_subdomain(prefix)):
        return f"{quoted(text)} has a prefix that is no DNS name"
    if not name or label_value(name):
        return f"{quoted(text)} is no key: a word of at most {_MAXIMUM_LABEL} characters between letters or digits"
    return None


def label_value(text: str) -> str | None:
    """What keeps the text from being the value of a label; empty is a value."""
    if len(text) > _MAXIMUM_LABEL:
        return f"must have at most {_MAXIMUM_LABEL} characters"
    if text and not (_WORD.issuperset(text[0] + text[-1]) and _VALUE.issuperset(text)):
        return f"{quoted(text)} must be letters, digits, '-', '_' and '.', with a letter or digit at each end"
    return None


def port_name(text: str) -> str | None:
    """What keeps the text from being the name of a port (RFC 6335, lower case)."""
    if not text or len(text) > _MAXIMUM_PORT_NAME:
        return f"a port name has 1 to {_MAXIMUM_PORT_NAME} characters"
    if not _LOWER_AND_HYPHEN.issuperset(text):
        return f"{quoted(text)} must be lower-case letters, digits and '-'"
    if "--" in text or text.startswith("-") or text.endswith("-"):
        return f"{quoted(text)} must not begin or end with '-', nor have two in a row"
    if text.isdigit():
        return f"{quoted(text)} must contain a letter: write a number without quotes"
    return None


def is_service_name(text: str) -> bool:
    """Whether the text is a service name of IANA, in any case: the form that Cilium takes as the name of a port."""
    return text.isascii() and port_name(text.lower()) is None


def read_network(text: str, *, host_bits: bool = False) -> Network:
    """The network of a CIDR, or ``NotANetwork``; ``host_bits`` takes ``10.1.2.3/8`` as some servers do."""
    address, slash, prefix = text.partition("/")
    if not slash or not text.isascii() or "%" in text:
        raise NotANetwork(f"{quoted(text)} is no CIDR such as 10.9.8.0/24 or 2001:db8::/64")
    if not prefix.isdigit() or len(prefix) > 3 or (prefix[0] == "0" and prefix != "0"):
        raise NotANetwork(f"{quoted(text)} has no plain number as its prefix length")
    try:
        network = ipaddress.ip_network(text, strict=False)
        given = ipaddress.ip_address(address)
    except ValueError as error:
        raise NotANetwork(f"{quoted(text)} is no CIDR: leading zeros or a number out of range") from error
    if given.version == 6 and given.ipv4_mapped is not None:
        raise NotANetwork(f"{quoted(text)} is an IPv4-mapped spelling: write the IPv4 network")
    if given != network.network_address and not host_bits:
        raise NotANetwork(f"{quoted(text)} has bits set beyond its prefix, write {network}")
    return network


def cidr(text: str) -> str | None:
    """What keeps the text from being a CIDR without host bits."""
    return _network_problem(text, host_bits=False)


def loose_cidr(text: str) -> str | None:
    """What keeps the text from being a CIDR, host bits allowed."""
    return _network_problem(text, host_bits=True)


def is_strictly_inside(inner: Network, outer: Network) -> bool:
    """Whether one network is a smaller part of another of the same family."""
    return is_inside(inner, outer) and inner.prefixlen > outer.prefixlen


def is_inside(inner: Network, outer: Network) -> bool:
    """Whether one network lies in another of the same family; the network itself counts."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _network_problem(text: str, *, host_bits: bool) -> str | None:
    try:
        read_network(text, host_bits=host_bits)
    except NotANetwork as problem:
        return str(problem)
    return None


def _is_label(text: str) -> bool:
    if not text or len(text) > _MAXIMUM_SUBDOMAIN:
        return False
    return _LOWER.issuperset(text[0] + text[-1]) and _LOWER_AND_HYPHEN.issuperset(text)
