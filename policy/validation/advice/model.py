"""One warning, and what kinds of manifest share: addresses that are wider than they look, names that are none."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.addresses import AddressSet
from policy.validation.texts import Network, NotANetwork, read_network

_EVERYTHING = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
_METADATA = tuple(
    ipaddress.ip_network(text) for text in ("169.254.169.254/32", "100.100.100.200/32", "fd00:ec2::254/128")
)


@dataclass(frozen=True, slots=True, order=True)
class Advice:
    """A warning: the rule behind it, the path of the field, and a sentence."""

    rule: str
    field: str
    message: str


Adviser = Callable[[Mapping[str, Any]], Iterator[Advice]]


def members(value: Mapping[str, Any], field: str, path: str) -> Iterator[tuple[Any, str]]:
    """The members of a list with their paths; absent is empty."""
    for number, member in enumerate(value.get(field) or []):
        yield member, f"{path}.{field}[{number}]"


def about_networks(
    texts: Iterable[tuple[str, str]], *, path: str, excepts: Iterable[str] = (), host_bits: bool = False
) -> Iterator[Advice]:
    """Warnings about CIDRs that are allowed together: each by itself, and the whole that they make."""
    networks: list[Network] = []
    for text, here in texts:
        try:
            network = read_network(text, host_bits=host_bits)
        except NotANetwork:
            continue
        networks.append(network)
        yield from _about_spelling(text, network, here)
    holes = [read_network(text, host_bits=host_bits) for text in excepts]
    yield from _about_set(AddressSet.of(networks, excepts=holes), path)


def about_name(text: str, path: str) -> Iterator[Advice]:
    """A warning about a name that is an address, which no resolver is asked for."""
    try:
        ipaddress.ip_address(text.removesuffix("."))
    except ValueError:
        return
    yield Advice(
        "address-as-name", path, f"{text!r} is an address: it is never looked up as a name, write it as a CIDR"
    )


def _about_spelling(text: str, network: Network, path: str) -> Iterator[Advice]:
    if text == network.compressed:
        return
    given = text.partition("/")[0]
    if ipaddress.ip_address(given) != network.network_address:
        yield Advice("host-bits", path, f"{text!r} is read as {network}: write that")
    else:
        yield Advice("not-canonical", path, f"{text!r} should be written {network}, or it will look like drift")


def _about_set(addresses: AddressSet, path: str) -> Iterator[Advice]:
    for everything in _EVERYTHING:
        if addresses.covers(AddressSet.of([everything])):
            yield Advice(
                "every-address", path, f"these addresses together are {everything}: every destination is allowed"
            )
            return
    for metadata in _METADATA:
        if addresses.covers(AddressSet.of([metadata])):
            yield Advice("metadata-address", path, f"allows {metadata}, where clouds hand out credentials")
