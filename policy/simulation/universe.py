"""The kinds of flows that a set of policies can tell apart: one example of each stands for all of its kind.

Blocks of addresses nest or are disjoint, and ports are intervals, so the classes below are exact for addresses, ports
and pods. Names are a sample: each name in a rule, and for each wildcard one and two labels below it and its apex.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise

from policy.addresses import canonical_network
from policy.ports import MAX_PORT, PortRange, Protocol
from policy.simulation.addresses import Address, Network
from policy.simulation.answers import Direction
from policy.simulation.calico_rules import CalicoPeer, CalicoPorts
from policy.simulation.flows import Flow, Place
from policy.simulation.model import CompiledPolicy, Rule
from policy.simulation.peers import BlockPeer, NamePeer, Peers
from policy.simulation.ports import Ports, PortSpec
from policy.simulation.state import ClusterState, Pod

ELSEWHERE = "unlisted.example"
_ROOTS: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_PROTOCOLS: tuple[Protocol, ...] = ("TCP", "UDP", "SCTP")
_ECHO_REQUEST = 8


@dataclass(frozen=True, slots=True)
class TargetClass:
    """Targets that no rule tells apart, and one of them as the example."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class PortClass:
    """Ports that no rule tells apart."""

    ports: PortRange

    def flow(self, *, source: Place, target: Place) -> Flow:
        if self.ports.protocol == "ICMP":
            return Flow(source=source, target=target, protocol="ICMP", icmp_type=_ECHO_REQUEST)
        return Flow(source=source, target=target, port=self.ports.span[0], protocol=self.ports.protocol)


@dataclass(frozen=True)
class Mentions:
    """Everything that rules name."""

    blocks: frozenset[Network]
    names: frozenset[str]
    specs: frozenset[PortSpec]

    def __or__(self, other: "Mentions") -> "Mentions":
        return Mentions(self.blocks | other.blocks, self.names | other.names, self.specs | other.specs)


NOTHING = Mentions(frozenset(), frozenset(), frozenset())


def mentions_of(policies: Iterable[CompiledPolicy], direction: Direction) -> Mentions:
    """What the rules of one direction name."""
    blocks: set[Network] = set()
    names: set[str] = set()
    specs: set[PortSpec] = set()
    for policy in policies:
        for rule in policy.rules[direction]:
            specs.update(_specs(rule))
            for member in _peers(rule.peer):
                blocks.update(_blocks(member, direction))
                names.update(_names(member))
    names.update(name for spec in specs for name in spec.server_names)
    return Mentions(frozenset(blocks), frozenset(names), frozenset(specs))


def outside_classes(mentions: Mentions, *, cluster: ClusterState) -> tuple[TargetClass, ...]:
    """Addresses and names outside the cluster."""
    found: list[TargetClass] = []
    blocks = sorted({*mentions.blocks, *_ROOTS}, key=lambda one: (one.version, one.prefixlen, int(one.network_address)))
    examples: dict[int, Address] = {}
    for block in blocks:
        children = [one for one in blocks if one != block and _is_inside(one, block)]
        example = _example(block, children, cluster=cluster)
        if example is not None:
            examples.setdefault(example.version, example)
            found.append(TargetClass(_text_of(block, children), Place(address=example, name=ELSEWHERE)))
    address = examples.get(4) or examples.get(6)
    found += [TargetClass(name, Place(address=address, name=name)) for name in sorted(_sample_names(mentions.names))]
    return tuple(found)


def pod_classes(mentions: Mentions, *, cluster: ClusterState) -> tuple[tuple[Pod, ...], ...]:
    """Pods that no rule tells apart: same namespace, labels, ports and place among the blocks."""
    found: dict[object, list[Pod]] = {}
    for pod in cluster.pods:
        labels = None if pod.labels is None else tuple(sorted(pod.labels.items()))
        blocks = tuple(frozenset(block for block in mentions.blocks if one in block) for one in pod.addresses)
        key = (pod.namespace, labels, pod.ports, pod.is_on_host_network, pod.service_account, blocks)
        found.setdefault(key, []).append(pod)
    return tuple(tuple(pods) for pods in found.values())


def port_classes(mentions: Mentions, *, cluster: ClusterState) -> tuple[PortClass, ...]:
    """Intervals of ports per protocol, and ICMP."""
    found: list[PortClass] = []
    for protocol in _PROTOCOLS:
        edges = {1, MAX_PORT + 1}
        for spec in mentions.specs:
            if spec.protocols is None or protocol in spec.protocols:
                edges.update(_edges(spec, cluster=cluster))
        for first, behind in pairwise(sorted(edges)):
            found.append(PortClass(PortRange(protocol, first, behind - 1)))
    return (*found, PortClass(PortRange("ICMP")))


def place_of(pod: Pod) -> Place:
    return Place(namespace=pod.namespace, pod=pod.name)


def _edges(spec: PortSpec, *, cluster: ClusterState) -> Iterator[int]:
    if spec.name is not None:
        for pod in cluster.pods:
            for port in pod.ports:
                if port.name == spec.name:
                    yield from (port.number, port.number + 1)
    elif spec.first is not None and spec.first > 0:
        yield spec.first
        yield min((spec.last if spec.last is not None else spec.first) + 1, MAX_PORT + 1)


def _peers(peer: object) -> Iterator[object]:
    if isinstance(peer, Peers):
        for member in peer.members:
            yield from _peers(member)
    else:
        yield peer


def _blocks(peer: object, direction: Direction) -> Iterator[Network]:
    sets = []
    if isinstance(peer, BlockPeer):
        sets.append(peer.blocks)
    elif isinstance(peer, CalicoPeer):
        end = peer.destination if direction == "egress" else peer.source
        sets += [one for one in (end.nets, end.not_nets) if one is not None]
        for selection in (end.selection, end.not_selector):
            if selection is not None:
                sets += [one.blocks for one in selection.context.network_sets]
    for one in sets:
        for block, holes in one.blocks:
            yield block
            yield from holes


def _names(peer: object) -> Iterator[str]:
    if isinstance(peer, NamePeer):
        yield from (pattern for _, pattern in peer.patterns)
    elif isinstance(peer, CalicoPeer):
        yield from peer.destination.domains
        if peer.destination.selection is not None:
            for one in peer.destination.selection.context.network_sets:
                yield from one.domains


def _specs(rule: Rule) -> Iterator[PortSpec]:
    ports = rule.ports
    if isinstance(ports, Ports):
        yield from ports.specs or ()
    elif isinstance(ports, CalicoPorts):
        yield from ports.wanted.specs or ()
        yield from (ports.unwanted.specs or ()) if ports.unwanted is not None else ()


def _sample_names(patterns: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        text = pattern.lower().removesuffix(".")
        first, _, base = text.partition(".")
        if "*" not in text:
            found.add(text)
        elif set(first) == {"*"} and base and "*" not in base:
            found |= {base, f"one.{base}", f"two.one.{base}"}
        elif set(text) == {"*"}:
            found.add("any.example")
        else:
            found |= {text.replace("*", "x"), text.replace("*", "")} - {""}
    return {name for name in found if not name.startswith(".") and ".." not in name}


def _example(block: Network, children: Iterable[Network], *, cluster: ClusterState) -> Address | None:
    """An address of the block that is in none of its children and is nothing of the cluster."""
    holes = sorted(_outermost(children), key=lambda one: int(one.network_address))
    used = [one.addresses for one in cluster.nodes] + [one.addresses for one in cluster.pods]
    used += [one.addresses for one in cluster.services]
    taken = {int(address) for addresses in used for address in addresses if address.version == block.version}
    number, end = int(block.network_address), int(block.broadcast_address)
    if block.prefixlen == 0:
        number += 1 << (block.max_prefixlen - 8)  # the very first addresses of a family are no destinations
    for hole in holes:
        number = _skip(number, taken)
        if number < int(hole.network_address):
            break
        number = max(number, int(hole.broadcast_address) + 1)
    number = _skip(number, taken)
    return block.network_address + (number - int(block.network_address)) if number <= end else None


def _skip(number: int, taken: set[int]) -> int:
    while number in taken:
        number += 1
    return number


def _outermost(networks: Iterable[Network]) -> list[Network]:
    found: list[Network] = []
    for network in sorted(networks, key=lambda one: one.prefixlen):
        if not any(_is_inside(network, wide) for wide in found):
            found.append(network)
    return found


def _text_of(block: Network, children: Iterable[Network]) -> str:
    holes = ", ".join(canonical_network(one) for one in _outermost(children))
    return f"{canonical_network(block)} except {holes}" if holes else canonical_network(block)


def _is_inside(network: Network, wide: Network) -> bool:
    return (
        network.version == wide.version
        and network.prefixlen >= wide.prefixlen
        and int(network.network_address) >> (network.max_prefixlen - wide.prefixlen)
        == int(wide.network_address) >> (wide.max_prefixlen - wide.prefixlen)
    )
