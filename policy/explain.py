"""Which entry lets a workload reach a destination; and where none does, which came closest and why not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

from policy.addresses import plain_address
from policy.destinations import Destination, cidr, parse_destination
from policy.entries import PolicyEntry
from policy.ports import format_ports
from policy.replay import ScopedEntry
from policy.suffixes import registrable_domain

MAXIMUM_NEAR_MISSES = 20


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An entry that permits it but for ``reasons``; the fewer, the closer."""

    entry: PolicyEntry
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether entries permit it, which ones, and the nearest others."""

    allowed: bool
    entries: tuple[PolicyEntry, ...]
    near_misses: tuple[NearMiss, ...]


def explain(
    *,
    entries: Iterable[ScopedEntry],
    namespace: str,
    labels: Mapping[str, str],
    destination: str,
    port: int | None,
    protocol: str = "TCP",
    at: datetime | None = None,
) -> Explanation:
    """Which of the entries permit the destination, a name or address or a whole pattern or CIDR, on this port.

    Raises ``InvalidDestination`` or ``InvalidName`` for a text that is none. With ``at``, entries that have ended do
    not count, and are told among the near misses.
    """
    asked = _Asked(
        namespace=namespace,
        labels=labels,
        destination=_destination(destination),
        port=port,
        protocol=protocol,
        at=at,
    )
    judged = [(scoped.entry, asked.objections(scoped)) for scoped in entries]
    permitting = sorted((entry for entry, objections in judged if not objections), key=lambda entry: entry.passport)
    missing = [NearMiss(entry, objections) for entry, objections in judged if objections and asked.is_near(entry)]
    missing.sort(key=lambda miss: (len(miss.reasons), miss.entry.passport))
    return Explanation(bool(permitting), tuple(permitting), tuple(missing[:MAXIMUM_NEAR_MISSES]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    namespace: str
    labels: Mapping[str, str]
    destination: Destination
    port: int | None
    protocol: str
    at: datetime | None

    def objections(self, scoped: ScopedEntry) -> tuple[str, ...]:
        """Everything that keeps an entry from permitting what was asked."""
        entry = scoped.entry
        found: list[str] = []
        if not entry.destination.covers(self.destination):
            found.append(f"its destination is {entry.destination}, which does not cover {self.destination}")
        if not any(ports.contains(protocol=self.protocol, port=self.port) for ports in entry.ports):
            found.append(f"its ports are {format_ports(entry.ports)}")
        if scoped.namespaces is not None and self.namespace not in scoped.namespaces:
            found.append(f"it is for {', '.join(sorted(scoped.namespaces))}, not for {self.namespace}")
        if not entry.workload.matches(self.labels):
            found.append(f"it is for workloads with {entry.workload}")
        if self.at is not None and not entry.is_in_force(self.at):
            found.append(f"it ended at {entry.expires_at:%Y-%m-%d %H:%M %Z}")
        return tuple(found)

    def is_near(self, entry: PolicyEntry) -> bool:
        """Whether the entry speaks of the destination at all, or of its neighbours under the same name."""
        if entry.destination.covers(self.destination) or entry.destination.overlaps(self.destination):
            return True
        if not (entry.destination.is_name and self.destination.is_name):
            return False
        return _family(entry.destination.base) == _family(self.destination.base)


def _destination(text: str) -> Destination:
    """A bare address is the block of that one address."""
    try:
        address = plain_address(ip_address(text.strip()))
    except ValueError:
        return parse_destination(text)
    return cidr(ip_network(f"{address}/{address.max_prefixlen}"))


def _family(name: str) -> str:
    return registrable_domain(name) or name
