"""Examples that show what a destination means: the apex, one label, two labels, a look-alike."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from policy.addresses import Network


@dataclass(frozen=True, slots=True)
class MatchExample:
    """One name or address, whether the destination matches it, and what the example shows."""

    text: str
    matches: bool
    why: str


def name_examples(base: str) -> tuple[tuple[str, str], ...]:
    """Names around ``base`` with what each of them shows."""
    first, _, rest = base.partition(".")
    return (
        (base, "the name itself (apex)"),
        (f"www.{base}", "one label more"),
        (f"a.b.{base}", "two labels more"),
        (f"evil-{base}", "another name that ends in the same letters"),
        (f"{base}.evil.example", "another domain that begins with the name"),
        (rest or f"{first}.test", "the domain above" if rest else "another domain"),
    )


def address_examples(network: Network, *, excepts: Iterable[Network]) -> tuple[MatchExample, ...]:
    """The edges of a network and of its exceptions, just inside and just outside."""
    holes = tuple(excepts)
    first, last = network.network_address, network.broadcast_address
    found = [
        MatchExample(str(first), not any(first in hole for hole in holes), "the first address"),
        MatchExample(str(last), not any(last in hole for hole in holes), "the last address"),
    ]
    found.extend(MatchExample(str(hole.network_address), False, "excepted") for hole in holes)
    if int(last) + 1 < 2**network.max_prefixlen:
        found.append(
            MatchExample(str(_address(int(last) + 1, network.version)), False, "the next address after the last")
        )
    return tuple(found)


def _address(number: int, version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)
