"""What rules say about the other end of a flow: pods, blocks, names, entities, nodes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from policy.simulation.addresses import AddressSet
from policy.simulation.flows import Packet, Party
from policy.simulation.names import fits
from policy.simulation.profiles import Profile
from policy.simulation.selectors import Labels, Selector
from policy.simulation.truth import Truth, every, some, truth_of

HOST_NETWORK_DOUBT = "whether policies see a pod on the host network by its labels is left to the implementation"
BLOCK_DOUBT = "whether a block of addresses matches pods and nodes is left to the implementation"
_MAYBE_NODES = frozenset({"all", "cluster", "host", "remote-node", "kube-apiserver"})
UNKNOWN_DOUBT = "what stands at the other end is not known well enough"


class Peer(Protocol):
    """Who a rule speaks of; ``local`` is the end that the policy protects."""

    @property
    def doubt(self) -> str:
        """Why the answer may be uncertain."""

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth: ...


@dataclass(frozen=True, slots=True)
class AnyPeer:
    doubt: str = ""

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        return Truth.YES


@dataclass(frozen=True, slots=True)
class OpaquePeer:
    """A peer that refers to what a cluster state does not hold, such as the groups of a cloud."""

    doubt: str

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        return Truth.UNKNOWN


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods by labels, in one namespace or in those that a selector takes; both conditions must hold."""

    profile: Profile
    pods: Selector
    namespace: str | None = None
    namespaces: Selector | None = None
    # The admin APIs say that pods on the host network are never meant.
    excludes_host_network: bool = False

    @property
    def doubt(self) -> str:
        return HOST_NETWORK_DOUBT if self.profile.host_network_is_selected is Truth.CNI else UNKNOWN_DOUBT

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        if party.kind == "unlisted":
            return Truth.UNKNOWN if party.namespace is None else self._judge_labels(party)
        if party.kind == "pod":
            seen = Truth.YES
            if party.is_on_host_network:
                seen = Truth.NO if self.excludes_host_network else self.profile.host_network_is_selected
            return every((self._judge_labels(party), seen))
        if party.kind == "entity":
            return Truth.UNKNOWN if party.entity in {"all", "cluster"} else Truth.NO
        if party.is_maybe_inside:
            return Truth.UNKNOWN
        return truth_of(self._takes_the_outside)

    @property
    def _takes_the_outside(self) -> bool:
        if not self.profile.negative_namespaces_match_outside or self.namespaces is None:
            return False
        return not self.namespaces.is_empty and self.namespaces.is_negative and self.pods.is_negative

    def _judge_labels(self, party: Party) -> Truth:
        if self.namespace is not None and party.namespace != self.namespace:
            return Truth.NO
        placed = self.namespaces.judge(party.namespace_labels) if self.namespaces is not None else Truth.YES
        return every((placed, self.pods.judge(party.labels)))


@dataclass(frozen=True, slots=True)
class BlockPeer:
    """Addresses; ``pods`` and ``nodes`` say whether a block reaches those of the cluster as well."""

    blocks: AddressSet
    pods: Truth
    nodes: Truth
    doubt: str = BLOCK_DOUBT

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        inside = self.blocks.judge(party.addresses)
        if party.kind == "node" or party.is_on_host_network:
            return every((inside, self.nodes))
        if party.kind in {"pod", "unlisted"}:
            return every((inside, self.pods))
        if party.kind == "entity" and not party.addresses:
            return self._judge_entity(party.entity or "")
        return inside

    def _judge_entity(self, entity: str) -> Truth:
        if not self.blocks.blocks:
            return Truth.NO
        if entity in {"host", "remote-node"}:
            return every((Truth.UNKNOWN, self.nodes))
        if entity in {"ingress", "init", "health", "unmanaged"}:
            return every((Truth.UNKNOWN, self.pods))
        return self.blocks.judge(()) if entity.startswith("world") else Truth.UNKNOWN


@dataclass(frozen=True, slots=True)
class NamePeer:
    """Names in one target's dialect; only what DNS told the agent counts, and never for what is in the cluster."""

    dialect: str
    # Each pattern with the field that it stands in, where the dialect has more than one.
    patterns: tuple[tuple[str | None, str], ...]
    doubt: str = "the rule goes by name, and how the target's name is known proves nothing to it"

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        if party.is_in_cluster or not self.patterns:
            return Truth.NO
        if party.kind == "entity" and not (party.entity or "").startswith(("world", "all")):
            return Truth.NO
        if party.name is None:
            return Truth.UNKNOWN
        if party.known_by != "dns":
            return Truth.UNKNOWN
        return truth_of(self.takes(party.name))

    def takes(self, name: str) -> bool:
        """Whether one of the patterns fits the name, as this dialect reads it."""
        return any(
            fits(dialect=self.dialect, field=field, pattern=pattern, name=name) for field, pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class NodePeer:
    """Nodes by their labels; pods on the host network are reached at their node's address as well."""

    nodes: Selector
    doubt: str = UNKNOWN_DOUBT

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        if party.kind == "node" or party.is_on_host_network:
            if party.node is None:
                return Truth.YES if self.nodes.is_empty else Truth.UNKNOWN
            return self.nodes.judge(Labels(party.node.labels))
        if party.kind == "entity":
            return Truth.UNKNOWN if party.entity in _MAYBE_NODES else Truth.NO
        return Truth.NO


@dataclass(frozen=True, slots=True)
class Peers:
    """Any of several peers; without any of them, nobody."""

    members: tuple[Peer, ...] = ()

    @property
    def doubt(self) -> str:
        return next((member.doubt for member in self.members if member.doubt), UNKNOWN_DOUBT)

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        return some(member.judge(party, local=local, packet=packet) for member in self.members)


ANYBODY = AnyPeer()
NOBODY = Peers()


def peers_of(members: Iterable[Peer]) -> Peer:
    """One peer that is any of the members."""
    found = tuple(members)
    return found[0] if len(found) == 1 else Peers(found)
