"""Sets of address blocks with a membership test that does not grow with their number."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from policy.simulation.truth import Truth

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_address(text: str) -> Address:
    """The address of one host; an IPv4 address written as an IPv6 one counts as the IPv4 address that it is."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_network(text: str) -> Network:
    """The block that an enforcing implementation reads: host bits are masked away, as packet filters do."""
    return ip_network(text, strict=False)


@dataclass(frozen=True)
class AddressSet:
    """A union of blocks, each with its own exceptions; an exception never reaches into another block."""

    blocks: tuple[tuple[Network, tuple[Network, ...]], ...] = ()
    _plain: dict[tuple[int, int], frozenset[int]] = field(init=False, repr=False, compare=False)
    _holed: tuple[tuple[Network, tuple[Network, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plain: dict[tuple[int, int], set[int]] = {}
        for block, excepts in self.blocks:
            if not excepts:
                shift = block.max_prefixlen - block.prefixlen
                plain.setdefault((block.version, shift), set()).add(int(block.network_address) >> shift)
        object.__setattr__(self, "_plain", {key: frozenset(values) for key, values in plain.items()})
        object.__setattr__(self, "_holed", tuple(pair for pair in self.blocks if pair[1]))

    def __contains__(self, address: Address) -> bool:
        version, number = address.version, int(address)
        for (known, shift), prefixes in self._plain.items():
            if known == version and (number >> shift) in prefixes:
                return True
        return any(
            _inside(address, block) and not any(_inside(address, hole) for hole in holes)
            for block, holes in self._holed
        )

    @property
    def _is_everything(self) -> bool:
        """Whether both families are in it as a whole, so that no address has to be known."""
        return all(0 in self._plain.get(family, ()) for family in ((4, 32), (6, 128)))

    def judge(self, addresses: Iterable[Address]) -> Truth:
        """Whether the one address that the flow uses is inside, when only the candidates for it are known."""
        if not self.blocks:
            return Truth.NO
        found = {address in self for address in addresses}
        if not found and self._is_everything:
            return Truth.YES
        if len(found) != 1:
            return Truth.UNKNOWN
        return Truth.YES if found.pop() else Truth.NO


def address_set(blocks: Iterable[str | tuple[str, Iterable[str]]]) -> AddressSet:
    """The set of the blocks as policies write them: text, or text with exceptions."""
    pairs = [(block, ()) if isinstance(block, str) else block for block in blocks]
    return AddressSet(
        tuple((parse_network(block), tuple(parse_network(hole) for hole in holes)) for block, holes in pairs)
    )


def _inside(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network
