"""Which entries would have carried a flow: an index by name, suffix and prefix, made for millions of flows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import NamedTuple

from policy.addresses import Address, plain_address
from policy.entries import PolicyEntry

# What is remembered of one replay; past it the memory is dropped and built again, so that any log fits.
MAXIMUM_REMEMBERED = 1_000_000

Passports = tuple[str, ...]
LabelPairs = tuple[tuple[str, str], ...]
_PortKey = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class ScopedEntry:
    """An entry and the namespaces that it is in scope of; ``None`` is every namespace."""

    entry: PolicyEntry
    namespaces: frozenset[str] | None = None

    def covers_workload(self, *, namespace: str, labels: Mapping[str, str]) -> bool:
        in_scope = self.namespaces is None or namespace in self.namespaces
        return in_scope and self.entry.workload.matches(labels)


class GroupedFlow(NamedTuple):
    """Equal flows of a period, ``total`` of them: names canonical, labels sorted, protocol in upper case."""

    namespace: str
    labels: LabelPairs
    name: str | None
    address: str | None
    port: int | None
    protocol: str
    total: int = 1


@dataclass(slots=True)
class Tally:
    """What a replay found: how many flows each passport carried, and how many no entry did."""

    flows: int = 0
    unmatched: int = 0
    by_passport: dict[str, int] = field(default_factory=dict)

    def add(self, passports: Passports, *, count: int) -> None:
        self.flows += count
        if not passports:
            self.unmatched += count
        for passport in passports:
            self.by_passport[passport] = self.by_passport.get(passport, 0) + count


class EntryIndex:
    """Answers which entries permit a flow; the cost depends on the labels of a name and the prefix lengths in use,
    not on the number of entries.

    With ``at``, entries that have ended by then are left out. Without it, all given entries count.
    """

    def __init__(self, entries: Iterable[ScopedEntry], *, at: datetime | None = None) -> None:
        self._entries = tuple(scoped for scoped in entries if at is None or scoped.entry.is_in_force(at))
        self._scopes = tuple(
            (one.namespaces, one.entry.workload.match_labels, one.entry.passport) for one in self._entries
        )
        self._names: dict[str, list[int]] = {}
        self._one_level: dict[str, list[int]] = {}
        self._any_depth: dict[str, list[int]] = {}
        self._prefixes: dict[tuple[int, int], dict[int, list[int]]] = {}
        for position, scoped in enumerate(self._entries):
            self._add(position, scoped.entry)

    def __len__(self) -> int:
        return len(self._entries)

    def match(
        self,
        *,
        namespace: str,
        labels: Mapping[str, str],
        name: str | None = None,
        address: Address | str | None = None,
        port: int | None = None,
        protocol: str = "TCP",
    ) -> Passports:
        """The passports, sorted, of the entries that permit the flow: by its name, or by its address."""
        places = self.candidates_at(name=name, address=address)
        places = self.candidates_on(places, port=port, protocol=protocol)
        return self.candidates_for(places, namespace=namespace, labels=labels)

    def join(self, flows: Iterable[GroupedFlow]) -> Iterator[tuple[GroupedFlow, Passports]]:
        """Every flow with its passports, in the order given."""
        memory = _Memory(self)
        for flow in flows:
            yield flow, memory.cell(flow).passports

    def replay(self, flows: Iterable[GroupedFlow]) -> Tally:
        """What the entries would have carried of the flows, by passport."""
        replay = Replay(self)
        replay.add(flows)
        return replay.tally()

    def candidates_at(self, *, name: str | None, address: Address | str | None) -> tuple[int, ...]:
        """The places of the entries whose destination is the name, or holds the address."""
        found = set(self._named(name)) if name else set()
        parsed = _parsed(address)
        if parsed is not None:
            found.update(self._addressed(parsed))
        return tuple(sorted(found))

    def candidates_on(self, places: Iterable[int], *, port: int | None, protocol: str) -> tuple[int, ...]:
        """Those of the places whose entries name the port."""
        family = "ICMP" if protocol == "ICMPv6" else protocol
        return tuple(
            place
            for place in places
            if any(ports.contains(protocol=family, port=port) for ports in self._entries[place].entry.ports)
        )

    def candidates_in(self, places: Iterable[int], *, namespace: str) -> tuple[int, ...]:
        """Those of the places whose entries are for the namespace."""
        scopes = self._scopes
        return tuple(place for place in places if scopes[place][0] is None or namespace in (scopes[place][0] or ()))

    def asks_for_labels(self, place: int) -> bool:
        """Whether the entry is for some of the workloads of its namespaces only."""
        return bool(self._scopes[place][1])

    def candidates_for(self, places: Iterable[int], *, namespace: str, labels: Mapping[str, str]) -> Passports:
        """The passports, sorted, of those of the places whose entries are for the workload."""
        found = []
        for place in places:
            namespaces, wanted, passport = self._scopes[place]
            if namespaces is not None and namespace not in namespaces:
                continue
            if all(labels.get(key) == value for key, value in wanted):
                found.append(passport)
        return tuple(sorted(set(found))) if len(found) > 1 else tuple(found)

    def _add(self, position: int, entry: PolicyEntry) -> None:
        destination = entry.destination
        if destination.network is not None:
            network = destination.network
            shift = network.max_prefixlen - network.prefixlen
            by_prefix = self._prefixes.setdefault((network.version, shift), {})
            by_prefix.setdefault(int(network.network_address) >> shift, []).append(position)
            return
        base = destination.base
        if destination.kind == "host" or destination.include_apex:
            self._names.setdefault(base, []).append(position)
        if destination.kind == "one-level":
            self._one_level.setdefault(base, []).append(position)
        elif destination.kind == "any-depth":
            self._any_depth.setdefault(base, []).append(position)

    def _named(self, name: str) -> Iterator[int]:
        yield from self._names.get(name, ())
        _, _, parent = name.partition(".")
        yield from self._one_level.get(parent, ())
        while parent:
            yield from self._any_depth.get(parent, ())
            _, _, parent = parent.partition(".")

    def _addressed(self, address: Address) -> Iterator[int]:
        number = int(address)
        for (version, shift), by_prefix in self._prefixes.items():
            if version != address.version:
                continue
            for position in by_prefix.get(number >> shift, ()):
                if not any(address in hole for hole in self._entries[position].entry.destination.excepts):
                    yield position


class Replay:
    """One replay over many batches of flows: what has been worked out for one batch serves the next."""

    def __init__(self, index: EntryIndex) -> None:
        self._memory = _Memory(index)

    def add(self, flows: Iterable[GroupedFlow]) -> None:
        """Count the flows; written out without calls, as it runs once for every flow of a day."""
        memory = self._memory
        destinations = memory.destinations
        for flow in flows:
            namespace, labels, name, address, port, protocol, total = flow
            ports = destinations.get((name, address))
            namespaces = ports.get((port, protocol)) if ports is not None else None
            scope = namespaces.get(namespace) if namespaces is not None else None
            # Labels are looked at last and only where some entry asks for them: hashing them costs the most.
            cell = None if scope is None else scope.shared or scope.get(labels)
            if cell is None:
                cell = memory.cell(flow)
            cell.total += total

    def tally(self) -> Tally:
        """Everything counted so far."""
        return self._memory.tally()


class _Cell:
    """The answer for equal flows, and how many there were."""

    __slots__ = ("passports", "total")

    def __init__(self, passports: Passports) -> None:
        self.passports = passports
        self.total = 0


class _Scope(dict[LabelPairs, _Cell]):
    """Answers by labels in one namespace; ``shared`` is the one answer where labels make no difference."""

    __slots__ = ("places", "shared")

    def __init__(self, places: tuple[int, ...], *, shared: _Cell | None) -> None:
        super().__init__()
        self.places = places
        self.shared = shared


class _Namespaces(dict[str, _Scope]):
    __slots__ = ("places",)

    def __init__(self, places: tuple[int, ...]) -> None:
        super().__init__()
        self.places = places


class _Ports(dict[_PortKey, _Namespaces]):
    __slots__ = ("places",)

    def __init__(self, places: tuple[int, ...]) -> None:
        super().__init__()
        self.places = places


class _Memory:
    """What a replay has worked out, by destination, port, namespace and labels; counted and dropped when full."""

    def __init__(self, index: EntryIndex) -> None:
        self._index = index
        self.destinations: dict[tuple[str | None, str | None], _Ports] = {}
        # Many destinations have the same candidates; they share what is known of the workloads.
        self._namespaces: dict[tuple[int, ...], _Namespaces] = {}
        self._cells: list[_Cell] = []
        self._unmatched = _Cell(())
        self._counted = Tally()
        self._remembered = 0

    def cell(self, flow: GroupedFlow) -> _Cell:
        """The answer for the flow, worked out once."""
        self._make_room()
        namespace, labels, name, address, port, protocol, _total = flow
        ports = self.destinations.get((name, address))
        if ports is None:
            ports = _Ports(self._index.candidates_at(name=name, address=address))
            self.destinations[name, address] = ports
        namespaces = ports.get((port, protocol))
        if namespaces is None:
            places = self._index.candidates_on(ports.places, port=port, protocol=protocol)
            namespaces = self._namespaces.setdefault(places, _Namespaces(places))
            ports[port, protocol] = namespaces
        scope = namespaces.get(namespace)
        if scope is None:
            scope = namespaces[namespace] = self._scope(namespaces.places, namespace)
        found = scope.shared or scope.get(labels)
        if found is None:
            passports = self._index.candidates_for(scope.places, namespace=namespace, labels=dict(labels))
            found = scope[labels] = self._cell(passports)
        return found

    def tally(self) -> Tally:
        self._settle()
        counted = self._counted
        return Tally(counted.flows, counted.unmatched, dict(counted.by_passport))

    def _scope(self, places: tuple[int, ...], namespace: str) -> _Scope:
        inside = self._index.candidates_in(places, namespace=namespace)
        if any(self._index.asks_for_labels(place) for place in inside):
            return _Scope(inside, shared=None)
        passports = self._index.candidates_for(inside, namespace=namespace, labels={})
        return _Scope(inside, shared=self._cell(passports))

    def _cell(self, passports: Passports) -> _Cell:
        if not passports:
            return self._unmatched
        cell = _Cell(passports)
        self._cells.append(cell)
        return cell

    def _make_room(self) -> None:
        self._remembered += 1
        if self._remembered > MAXIMUM_REMEMBERED:
            self._settle()
            self.destinations.clear()
            self._namespaces.clear()
            self._cells.clear()
            self._remembered = 0

    def _settle(self) -> None:
        """Move what the cells have counted into the tally."""
        for cell in (self._unmatched, *self._cells):
            self._counted.add(cell.passports, count=cell.total)
            cell.total = 0


def _parsed(address: Address | str | None) -> Address | None:
    """The address as it is on the wire; text that is no address is carried by no entry."""
    if address is None or address == "":
        return None
    if not isinstance(address, str):
        return plain_address(address)
    try:
        return plain_address(ip_address(address))
    except ValueError:
        return None
