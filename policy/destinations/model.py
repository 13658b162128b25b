"""The destination: what it is, what it matches, and how two of them relate."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from policy.addresses import NO_ADDRESSES, Address, AddressSet, Network, canonical_network, plain_address
from policy.destinations.examples import MatchExample, address_examples, name_examples
from policy.names import is_below

Kind = Literal["host", "one-level", "any-depth", "cidr"]
APEX_MARK = " +apex"
_PREFIX = {"host": "", "one-level": "*.", "any-depth": "**."}


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination in canonical form.

    ``name`` is the base without its wildcard and ``include_apex`` says whether a wildcard takes the base as well;
    a CIDR has ``network`` and ``excepts`` instead. Build one with ``parse_destination`` or the functions below.
    """

    kind: Kind
    name: str | None = None
    include_apex: bool = False
    network: Network | None = None
    excepts: tuple[Network, ...] = ()

    @property
    def canonical(self) -> str:
        """``api.example.com``, ``*.example.com``, ``**.example.com +apex`` or ``10.0.0.0/8 except 10.1.0.0/16``."""
        if self.network is not None:
            text = canonical_network(self.network)
            excepts = ", ".join(canonical_network(network) for network in self.excepts)
            return f"{text} except {excepts}" if excepts else text
        return f"{_PREFIX[self.kind]}{self.name}{APEX_MARK if self.include_apex else ''}"

    def __str__(self) -> str:
        return self.canonical

    @property
    def is_name(self) -> bool:
        return self.kind != "cidr"

    @property
    def is_wildcard(self) -> bool:
        return self.kind in {"one-level", "any-depth"}

    @property
    def base(self) -> str:
        """The name without its wildcard; only names have one."""
        if self.name is None:
            raise ValueError(f"{self.canonical} is not a name")
        return self.name

    @property
    def addresses(self) -> AddressSet:
        """The exact set of addresses of a CIDR; empty for a name."""
        if self.network is None:
            return NO_ADDRESSES
        return AddressSet.of([self.network], excepts=self.excepts)

    def matches_name(self, ascii_name: str) -> bool:
        """Whether a canonical name is meant by this destination; never true for a CIDR."""
        if self.name is None:
            return False
        if ascii_name == self.name:
            return self.kind == "host" or self.include_apex
        if self.kind == "host" or not is_below(ascii_name, self.name):
            return False
        return self.kind == "any-depth" or "." not in ascii_name[: -len(self.name) - 1]

    def matches_address(self, address: Address | str) -> bool:
        """Whether an address is meant; the IPv4-mapped spelling counts as the IPv4 address. Never true for a name."""
        if self.network is None:
            return False
        plain = plain_address(ipaddress.ip_address(address) if isinstance(address, str) else address)
        return plain in self.network and not any(plain in hole for hole in self.excepts)

    def covers(self, other: "Destination") -> bool:
        """Whether everything that ``other`` matches is matched by this one."""
        if self.name is None or other.name is None:
            return self.is_name == other.is_name and self.addresses.covers(other.addresses)
        if (other.kind == "host" or other.include_apex) and not self.matches_name(other.name):
            return False
        if other.kind == "host":
            return True
        if self.kind == "any-depth":
            return other.name == self.name or is_below(other.name, self.name)
        return self.kind == other.kind == "one-level" and self.name == other.name

    def overlaps(self, other: "Destination") -> bool:
        """Whether any name or address is matched by both."""
        if self.name is None or other.name is None:
            return self.is_name == other.is_name and self.addresses.overlaps(other.addresses)
        return (
            self._takes_one_of(other)
            or other._takes_one_of(self)
            or (self.is_wildcard and self.kind == other.kind and self.name == other.name)
        )

    def _takes_one_of(self, other: "Destination") -> bool:
        """Whether a name that stands for ``other`` is matched here: its base, or any name right below its base."""
        base = other.base
        if (other.kind == "host" or other.include_apex) and self.matches_name(base):
            return True
        if not other.is_wildcard or not self.is_wildcard:
            return False
        same_or_below = base == self.base or is_below(base, self.base)
        return same_or_below and (self.kind == "any-depth" or base == self.base)

    def examples(self) -> tuple[MatchExample, ...]:
        """What matches and what does not, for people who approve it."""
        if self.network is not None:
            return address_examples(self.network, excepts=self.excepts)
        candidates = name_examples(self.base)
        return tuple(MatchExample(text, self.matches_name(text), why) for text, why in candidates)

    @property
    def sort_key(self) -> tuple[int, int, int, str]:
        if self.network is None:
            return (0, 0, 0, self.canonical)
        return (self.network.version, int(self.network.network_address), self.network.prefixlen, self.canonical)


def host(name: str) -> Destination:
    """Exactly the name, which must be canonical."""
    return Destination(kind="host", name=name)


def one_level(name: str, *, include_apex: bool = False) -> Destination:
    """Every name with exactly one label before ``name``."""
    return Destination(kind="one-level", name=name, include_apex=include_apex)


def any_depth(name: str, *, include_apex: bool = False) -> Destination:
    """Every name with one or more labels before ``name``."""
    return Destination(kind="any-depth", name=name, include_apex=include_apex)


def cidr(network: Network | str, *, excepts: Iterable[Network | str] = ()) -> Destination:
    """A network without its exceptions; the exceptions are merged and sorted, so one set has one form."""
    holes = [ipaddress.ip_network(hole) if isinstance(hole, str) else hole for hole in excepts]
    whole = ipaddress.ip_network(network) if isinstance(network, str) else network
    return Destination(kind="cidr", network=whole, excepts=AddressSet.of(holes).networks())
