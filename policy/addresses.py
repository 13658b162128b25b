"""IP networks: strict reading, what an address really means behind its spelling, and exact sets of addresses.

No property of ``ipaddress`` such as ``is_global`` is asked here: it calls the NAT64 spelling
of the metadata address global.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from policy.errors import InvalidDestination

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Span = tuple[int, int]

MAX_NETWORK_TEXT = 49

_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ALL_V4 = IPv4Network("0.0.0.0/0")


def parse_network(text: str) -> Network:
    """Read one CIDR strictly; what has another canonical form is refused with that form offered."""
    network = _lenient_network(text)
    canonical = canonical_network(network)
    if text != canonical:
        raise InvalidDestination(f"{text!r} is not canonical, write {canonical}", details={"canonical": canonical})
    return network


def canonical_network(network: Network) -> str:
    """RFC 5952 for IPv6, always with a prefix length; one network has one such text."""
    return network.compressed


def _lenient_network(text: str) -> Network:
    if len(text) > MAX_NETWORK_TEXT or "%" in text:
        raise InvalidDestination("This is no CIDR")
    address, slash, prefix = text.strip().partition("/")
    if slash and not (prefix.isascii() and prefix.isdigit()):
        raise InvalidDestination(f"{text!r} needs a prefix length such as /24, not a mask")
    try:
        network = ipaddress.ip_network(f"{address}/{int(prefix)}" if slash else address, strict=False)
    except ValueError as error:
        raise InvalidDestination(f"{text!r} is no CIDR: {error}") from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def plain_address(address: Address) -> Address:
    """The address as it appears on the wire: IPv4-mapped IPv6 is IPv4."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def meanings(network: Network) -> tuple[Network, ...]:
    """The network itself, and the IPv4 networks that it reaches through mapping, NAT64, 6to4 or Teredo."""
    if isinstance(network, IPv4Network):
        return (network,)
    found: set[IPv4Network] = set()
    for block, first_bit in ((_MAPPED, 96), (_COMPATIBLE, 96), (_NAT64, 96), (_NAT64_LOCAL, 96), (_SIX_TO_FOUR, 16)):
        embedded = _embedded(network, block=block, first_bit=first_bit)
        if embedded is not None:
            found.add(embedded)
    if network.overlaps(_TEREDO):
        found.add(_teredo_client(network))
    return (network, *sorted(found))


def _embedded(network: IPv6Network, *, block: IPv6Network, first_bit: int) -> IPv4Network | None:
    if not network.overlaps(block):
        return None
    length = min(max(network.prefixlen - first_bit, 0), 32)
    if network.prefixlen <= block.prefixlen:
        return _ALL_V4
    shifted = (int(network.network_address) >> (128 - first_bit - 32)) & 0xFFFFFFFF
    return IPv4Network((shifted & _mask(length), length))


def _teredo_client(network: IPv6Network) -> IPv4Network:
    # The client's address is the last 32 bits, inverted.
    length = max(network.prefixlen - 96, 0)
    return IPv4Network((~int(network.network_address) & _mask(length), length))


def _mask(length: int) -> int:
    return (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class SpecialBlock:
    """A block of addresses that is no ordinary destination on the Internet."""

    network: Network
    category: str
    reason: str


def _blocks(category: str, reason: str, *networks: str) -> list[SpecialBlock]:
    return [SpecialBlock(ipaddress.ip_network(network), category, reason) for network in networks]


SPECIAL_BLOCKS: tuple[SpecialBlock, ...] = (
    *_blocks(
        "metadata",
        "cloud instance metadata: hands out credentials of the machine",
        "169.254.169.254/32",
        "169.254.170.2/32",
        "169.254.170.23/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd00:ec2::23/128",
        "fd20:ce::254/128",
    ),
    *_blocks("loopback", "loopback: the pod or machine itself", "127.0.0.0/8", "::1/128"),
    *_blocks("unspecified", "the unspecified address reaches the machine itself", "0.0.0.0/8", "::/128"),
    *_blocks("link-local", "link-local: the machine's own segment", "169.254.0.0/16", "fe80::/10"),
    *_blocks("multicast", "multicast: no single owner", "224.0.0.0/4", "ff00::/8"),
    *_blocks("broadcast", "broadcast", "255.255.255.255/32"),
    *_blocks(
        "private",
        "private address space: internal systems, not the Internet",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
        "fec0::/10",
    ),
    *_blocks("carrier", "shared carrier space (100.64.0.0/10), used inside clouds and for pods", "100.64.0.0/10"),
    *_blocks(
        "reserved",
        "reserved or for documentation: nothing legitimate answers there",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "2001:db8::/32",
        "3fff::/20",
        "100::/64",
        "2001:2::/48",
        "5f00::/16",
    ),
    *_blocks(
        "tunnel",
        "an IPv6 spelling that carries an IPv4 address (mapped, NAT64, 6to4, Teredo)",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "192.88.99.0/24",
    ),
)


def special_blocks(network: Network) -> tuple[SpecialBlock, ...]:
    """Every special block that the network touches under any of its meanings, narrowest first."""
    wanted = meanings(network)
    found = [
        block
        for block in SPECIAL_BLOCKS
        if any(block.network.version == meaning.version and block.network.overlaps(meaning) for meaning in wanted)
    ]
    return tuple(sorted(found, key=lambda block: (-block.network.prefixlen, block.network.compressed)))


class AddressSet:
    """An exact set of addresses of both families, kept as merged spans."""

    __slots__ = ("v4", "v6")

    def __init__(self, *, v4: Iterable[Span] = (), v6: Iterable[Span] = ()) -> None:
        self.v4 = merge_spans(v4)
        self.v6 = merge_spans(v6)

    @classmethod
    def of(cls, networks: Iterable[Network], *, excepts: Iterable[Network] = ()) -> "AddressSet":
        return cls._plain(networks).minus(cls._plain(excepts))

    @classmethod
    def _plain(cls, networks: Iterable[Network]) -> "AddressSet":
        spans: dict[int, list[Span]] = {4: [], 6: []}
        for network in networks:
            spans[network.version].append(span_of(network))
        return cls(v4=spans[4], v6=spans[6])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressSet) and (self.v4, self.v6) == (other.v4, other.v6)

    def __hash__(self) -> int:
        return hash((self.v4, self.v6))

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)

    def __contains__(self, address: Address) -> bool:
        spans = self.v4 if address.version == 4 else self.v6
        return any(first <= int(address) <= last for first, last in spans)

    def union(self, other: "AddressSet") -> "AddressSet":
        return AddressSet(v4=self.v4 + other.v4, v6=self.v6 + other.v6)

    def minus(self, other: "AddressSet") -> "AddressSet":
        return AddressSet(v4=_subtract(self.v4, other.v4), v6=_subtract(self.v6, other.v6))

    def covers(self, other: "AddressSet") -> bool:
        return not other.minus(self)

    def overlaps(self, other: "AddressSet") -> bool:
        return self.minus(other) != self

    def share_of(self, version: int) -> float:
        """The share of the whole address space of a family, between 0 and 1."""
        spans, bits = (self.v4, 32) if version == 4 else (self.v6, 128)
        return float(sum(last - first + 1 for first, last in spans) / 2**bits)

    def networks(self) -> tuple[Network, ...]:
        """The fewest CIDRs that are this set, IPv4 first."""
        found: list[Network] = []
        for first, last in self.v4:
            found.extend(ipaddress.summarize_address_range(IPv4Address(first), IPv4Address(last)))
        for first, last in self.v6:
            found.extend(ipaddress.summarize_address_range(IPv6Address(first), IPv6Address(last)))
        return tuple(found)


def span_of(network: Network) -> Span:
    return int(network.network_address), int(network.broadcast_address)


def merge_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted spans without overlap or touch."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _subtract(spans: tuple[Span, ...], holes: tuple[Span, ...]) -> list[Span]:
    left: list[Span] = []
    position = 0
    for first, last in spans:
        while position < len(holes) and holes[position][1] < first:
            position += 1
        at, cursor = first, position
        while cursor < len(holes) and holes[cursor][0] <= last:
            if holes[cursor][0] > at:
                left.append((at, holes[cursor][0] - 1))
            at = max(at, holes[cursor][1] + 1)
            cursor += 1
        if at <= last:
            left.append((at, last))
    return left


NO_ADDRESSES = AddressSet()
