"""What each entry still adds to the others: nothing (redundant), a part of what it says, or all of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from policy.addresses import span_of
from policy.destinations import Destination, covered_by
from policy.names import labels_of
from policy.ports import MAX_PORT, PortRange, Protocol, canonical_ports
from policy.replay import ScopedEntry

Status = Literal["adds", "adds-part", "redundant"]
_PROTOCOLS: tuple[Protocol, ...] = ("ICMP", "SCTP", "TCP", "UDP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What would be lost without the entry: ``ports`` are those on which its destination has no other cover.

    ``covered_by`` are the entries that already permit the rest. Two equal entries are each redundant beside the other;
    removing both is for nobody to do at once.
    """

    passport: str
    status: Status
    ports: tuple[PortRange, ...]
    covered_by: tuple[str, ...]


def contributions(entries: Iterable[ScopedEntry]) -> tuple[Contribution, ...]:
    """One answer for each entry, in the order given.

    Another entry counts as cover only where its scope is as wide: every namespace and every pod of this one.
    """
    given = tuple(entries)
    candidates = _Candidates(given)
    return tuple(_contribution(scoped, list(candidates.near(scoped))) for scoped in given)


def _contribution(scoped: ScopedEntry, others: list[ScopedEntry]) -> Contribution:
    left: list[PortRange] = []
    covering: set[str] = set()
    for part in _port_parts(scoped, others):
        speaking = [one for one in others if any(_takes(ports, part) for ports in one.entry.ports)]
        if covered_by(scoped.entry.destination, [one.entry.destination for one in speaking]):
            covering.update(one.entry.passport for one in speaking)
        else:
            left.append(part)
    status: Status = "adds-part" if covering else "adds"
    return Contribution(
        passport=scoped.entry.passport,
        status=status if left else "redundant",
        ports=canonical_ports(left) if left else (),
        covered_by=tuple(sorted(covering)),
    )


def _port_parts(scoped: ScopedEntry, others: list[ScopedEntry]) -> Iterator[PortRange]:
    """The entry's ports, cut wherever another entry's ports begin or end."""
    for own in scoped.entry.ports:
        for protocol in _PROTOCOLS if own.protocol == "ANY" else (own.protocol,):
            if protocol == "ICMP":
                yield PortRange("ICMP")
                continue
            first, last = own.span
            edges = {first, last + 1}
            for other in others:
                for ports in other.entry.ports:
                    if ports.protocol == protocol:
                        edges.update(edge for edge in (ports.span[0], ports.span[1] + 1) if first < edge <= last)
            yield from _between(sorted(edges), protocol)


def _between(edges: list[int], protocol: Protocol) -> Iterator[PortRange]:
    for first, behind in pairwise(edges):
        is_whole = first == 1 and behind == MAX_PORT + 1
        yield PortRange(protocol) if is_whole else PortRange(protocol, first, behind - 1)


def _takes(ports: PortRange, part: PortRange) -> bool:
    if ports.protocol == "ANY":
        return True
    if ports.protocol != part.protocol:
        return False
    return ports.span[0] <= part.span[0] and part.span[1] <= ports.span[1]


class _Candidates:
    """Entries that could cover another one, found without asking all of them."""

    def __init__(self, entries: tuple[ScopedEntry, ...]) -> None:
        self._by_base: dict[str, list[ScopedEntry]] = {}
        networks: list[tuple[tuple[int, int, int], ScopedEntry]] = []
        for scoped in entries:
            network = scoped.entry.destination.network
            if network is None:
                self._by_base.setdefault(scoped.entry.destination.base, []).append(scoped)
            else:
                networks.append(((network.version, *span_of(network)), scoped))
        networks.sort(key=lambda pair: pair[0])
        self._networks = networks
        self._starts = [(key[0], key[1]) for key, _ in networks]
        self._widest = max((key[2] - key[1] for key, _ in networks), default=0)

    def near(self, scoped: ScopedEntry) -> Iterator[ScopedEntry]:
        """Other entries with at least the same scope that may speak of the same destination."""
        for other in self._neighbours(scoped.entry.destination):
            if other is not scoped and _is_as_wide(other, scoped):
                yield other

    def _neighbours(self, destination: Destination) -> Iterator[ScopedEntry]:
        if destination.network is None:
            labels = labels_of(destination.base)
            for start in range(len(labels)):
                yield from self._by_base.get(".".join(labels[start:]), ())
            return
        version, (first, last) = destination.network.version, span_of(destination.network)
        low = bisect_left(self._starts, (version, first - self._widest))
        high = bisect_right(self._starts, (version, last))
        for (_, start, end), other in self._networks[low:high]:
            if start <= last and end >= first:
                yield other


def _is_as_wide(other: ScopedEntry, scoped: ScopedEntry) -> bool:
    if other.namespaces is not None and (scoped.namespaces is None or not scoped.namespaces <= other.namespaces):
        return False
    if not other.entry.workload.covers(scoped.entry.workload):
        return False
    ends = (other.entry.expires_at, scoped.entry.expires_at)
    # An entry that ends earlier covers only for a while.
    return ends[0] is None or (ends[1] is not None and ends[0] >= ends[1])
