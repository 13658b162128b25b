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
_WorkloadKey = tuple[str, LabelPairs]


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
        self._names: dict[str, list[int]] = {}
        self._one_level: dict[str, list[int]] = {}
        self._any_depth: dict[str, list[int]] = {}
        self._prefixes: dict[tuple[int, int], dict[int, list[int]]] = {}
        for position, scoped in enumerate(self._entries):
            self._add(position, scoped.entry)
        self._memory = _Memory()

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
        positions = self._at_destination(name, address)
        return self._passports(
            self._on_port(positions, port=port, protocol=protocol), namespace=namespace, labels=labels
        )

    def join(self, flows: Iterable[GroupedFlow]) -> Iterator[tuple[GroupedFlow, Passports]]:
        """Every flow with its passports, in the order given."""
        memory = self._memory
        for flow in flows:
            namespace, labels, name, address, port, protocol, _total = flow
            # Written out instead of called: this runs once per flow of a day.
            ports = memory.destinations.get((name, address))
            if ports is None:
                ports = self._remember_destination(name, address)
            workloads = ports.get((port, protocol))
            if workloads is None:
                workloads = self._remember_port(ports, port=port, protocol=protocol)
            passports = workloads.get((namespace, labels))
            if passports is None:
                passports = self._remember_workload(workloads, namespace=namespace, labels=labels)
            yield flow, passports

    def replay(self, flows: Iterable[GroupedFlow]) -> Tally:
        """What the entries would have carried of the flows, by passport."""
        counts: dict[Passports, int] = {}
        for flow, passports in self.join(flows):
            counts[passports] = counts.get(passports, 0) + flow[6]
        tally = Tally()
        for passports, count in counts.items():
            tally.add(passports, count=count)
        return tally

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

    def _at_destination(self, name: str | None, address: Address | str | None) -> tuple[int, ...]:
        found = set(self._named(name)) if name else set()
        parsed = _parsed(address)
        if parsed is not None:
            found.update(self._addressed(parsed))
        return tuple(sorted(found))

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

    def _on_port(self, positions: Iterable[int], *, port: int | None, protocol: str) -> tuple[int, ...]:
        family = "ICMP" if protocol == "ICMPv6" else protocol
        return tuple(
            position
            for position in positions
            if any(ports.contains(protocol=family, port=port) for ports in self._entries[position].entry.ports)
        )

    def _passports(self, positions: Iterable[int], *, namespace: str, labels: Mapping[str, str]) -> Passports:
        scoped = [self._entries[position] for position in positions]
        found = {one.entry.passport for one in scoped if one.covers_workload(namespace=namespace, labels=labels)}
        return tuple(sorted(found))

    def _remember_destination(self, name: str | None, address: str | None) -> "_Ports":
        self._memory.make_room()
        ports = _Ports(self._at_destination(name, address))
        self._memory.destinations[name, address] = ports
        return ports

    def _remember_port(self, ports: "_Ports", *, port: int | None, protocol: str) -> "_Workloads":
        self._memory.make_room()
        positions = self._on_port(ports.positions, port=port, protocol=protocol)
        # Many destinations have the same candidates; they share what is known of the workloads.
        workloads = self._memory.workloads.setdefault(positions, _Workloads(positions))
        ports[port, protocol] = workloads
        return workloads

    def _remember_workload(self, workloads: "_Workloads", *, namespace: str, labels: LabelPairs) -> Passports:
        self._memory.make_room()
        passports = self._passports(workloads.positions, namespace=namespace, labels=dict(labels))
        workloads[namespace, labels] = passports
        return passports


class _Workloads(dict[_WorkloadKey, Passports]):
    def __init__(self, positions: tuple[int, ...]) -> None:
        super().__init__()
        self.positions = positions


class _Ports(dict[_PortKey, _Workloads]):
    def __init__(self, positions: tuple[int, ...]) -> None:
        super().__init__()
        self.positions = positions


class _Memory:
    """What a replay has already worked out, dropped as a whole when it grows past the limit."""

    def __init__(self) -> None:
        self.destinations: dict[tuple[str | None, str | None], _Ports] = {}
        self.workloads: dict[tuple[int, ...], _Workloads] = {}
        self._remembered = 0

    def make_room(self) -> None:
        self._remembered += 1
        if self._remembered > MAXIMUM_REMEMBERED:
            self.destinations.clear()
            self.workloads.clear()
            self._remembered = 0


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
