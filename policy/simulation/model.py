"""Policies of every kind in one form: whom they protect, what their rules say, and where they stand in the order."""

from dataclasses import dataclass
from typing import Literal, Protocol

from policy.simulation.answers import Answer, Decision, Direction
from policy.simulation.flows import Packet, Party
from policy.simulation.peers import ANYBODY, Peer
from policy.simulation.ports import EVERY_PORT
from policy.simulation.truth import Truth, every

Action = Literal["allow", "deny", "pass"]
Layer = Literal["admin", "network", "cilium", "calico", "baseline"]


class PortTest(Protocol):
    """Which packets a rule speaks of, by what they carry."""

    def judge(self, packet: Packet) -> Truth: ...


class Subject(Protocol):
    """Whom a policy protects."""

    @property
    def namespace(self) -> str | None:
        """The only namespace whose pods can be meant, where there is one: the key for the index."""

    @property
    def is_of_nodes(self) -> bool:
        """Whether it can mean nodes themselves."""

    @property
    def pair(self) -> tuple[str, str] | None:
        """A label that every pod meant must carry, where there is one: the second key for the index."""

    def judge(self, party: Party) -> Truth: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of one section; it matches where its peer and its ports both do."""

    index: int
    section: str
    action: Action
    peer: Peer = ANYBODY
    ports: PortTest = EVERY_PORT
    note: str = ""

    def judge(self, *, remote: Party, local: Party, packet: Packet) -> Truth:
        on_port = self.ports.judge(packet)
        if on_port is Truth.NO:
            return Truth.NO
        return every((on_port, self.peer.judge(remote, local=local, packet=packet)))

    @property
    def doubt(self) -> str:
        return self.peer.doubt or "the port of the flow is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """One policy, or one spec of a policy that has several.

    ``isolates`` has the directions in which its mere existence closes what its rules do not open. ``order`` sorts
    policies of one tier; a policy of a tier applies to the directions in ``applies_to``.
    """

    origin: str
    layer: Layer
    subject: Subject
    rules: dict[Direction, tuple[Rule, ...]]
    isolates: frozenset[Direction] = frozenset()
    applies_to: frozenset[Direction] = frozenset({"egress", "ingress"})
    order: float = 0.0
    tier: str = ""
    is_ours: bool = False

    @property
    def sort_key(self) -> tuple[float, str]:
        return self.order, self.origin

    def decision(self, rule: Rule, *, answer: Answer) -> Decision:
        """What is said when one of the rules decides."""
        verb = {"allow": "allows it", "deny": "denies it", "pass": "passes it on"}[rule.action]
        reason = f"{rule.section}[{rule.index}] {verb}" + (f" ({rule.note})" if rule.note else "")
        return Decision(answer=answer, reason=reason, origin=self.origin, rule=rule.index, section=rule.section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A step in the order of judgement; what nothing in it decides is passed on or denied at its end."""

    name: str
    order: float
    denies_at_end: bool = False
