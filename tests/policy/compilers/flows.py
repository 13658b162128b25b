"""Flows to try against a bundle, and what the entries themselves say of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import product

from policy.addresses import Address
from policy.entries import PolicyEntry
from tests.policy.strategies import ADDRESSES

NAMES = (
    "ex.test",
    "a.ex.test",
    "b.ex.test",
    "a.a.ex.test",
    "z.a.ex.test",
    "a.b.ex.test",
    "z.z.b.ex.test",
    "evil-ex.test",
    "aex.test",
    "ex.test.evil.test",
    "test",
)
# Both ends of the small blocks, the edges of their halves, and an address outside.
EDGES = (*(ADDRESSES[index] for index in (0, 1, 3, 4, 7, 8, 9, 12, 15)), ip_address("198.51.100.7"))
PACKETS = (*product(("TCP", "UDP"), (1, 3, 8, 9)), ("SCTP", 3), ("ICMP", None))
PODS: tuple[Mapping[str, str], ...] = ({}, {"app": "web"})


@dataclass(frozen=True)
class Flow:
    """One packet that leaves: towards a name that is known, or towards an address of which no name is known."""

    labels: Mapping[str, str]
    name: str | None
    address: Address | None
    protocol: str
    port: int | None


def every_flow() -> Iterable[Flow]:
    wheres = [*((name, None) for name in NAMES), *((None, address) for address in EDGES)]
    for labels, (name, address), (protocol, port) in product(PODS, wheres, PACKETS):
        yield Flow(labels, name, address, protocol, port)


def entry_allows(entry: PolicyEntry, flow: Flow) -> bool:
    if not entry.workload.matches(flow.labels):
        return False
    if not any(port.contains(protocol=flow.protocol, port=flow.port) for port in entry.ports):
        return False
    if flow.name is not None:
        return entry.destination.matches_name(flow.name)
    return flow.address is not None and entry.destination.matches_address(flow.address)
