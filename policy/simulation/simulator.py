"""Would this flow pass, and by whose word? Policies are compiled once; every flow is then a look-up in their index."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from policy.simulation.answers import Answer, Decision, Direction, Verdict
from policy.simulation.compiled import CompiledPolicies, OnInvalid, compile_policies
from policy.simulation.engine import Question, judge_kubernetes, judge_tiers
from policy.simulation.flows import Flow, Packet, Party, packet_of, party_of_pod
from policy.simulation.index import Selected
from policy.simulation.profiles import Profile, profile_of
from policy.simulation.services import service_of, translated
from policy.simulation.state import ClusterState, Pod, Service
from policy.simulation.truth import Truth

_SEVERITY = (Answer.DENY, Answer.UNKNOWN, Answer.CNI, Answer.ALLOW)
_REPLY = Decision(answer=Answer.ALLOW, reason="a reply to a connection that was let through always passes")
_SELF = Decision(answer=Answer.ALLOW, reason="a pod always reaches itself; policies do not apply")


class Simulator:
    """Judges flows on one cluster under one set of policies; safe to ask as often as one likes.

    Raises ``InvalidPolicies`` when it is made from manifests that no cluster enforces, unless told to leave them out.
    """

    def __init__(
        self,
        *,
        cluster: ClusterState,
        policies: Iterable[Mapping[str, Any]],
        profile: str | Mapping[str, Any] | Profile = "api",
        on_invalid: OnInvalid = "refuse",
    ) -> None:
        self.cluster = cluster
        self.profile = profile_of(profile)
        self.compiled: CompiledPolicies = compile_policies(
            policies, cluster=cluster, profile=self.profile, on_invalid=on_invalid
        )
        layers = {policy.layer for policy in self.compiled.policies}
        self._judges_tiers = "calico" in layers
        # Two agents that both enforce must both agree; that is so where Cilium's and Calico's policies lie together.
        self._judges_kubernetes = "cilium" in layers or not self._judges_tiers

    def judge(self, flow: Flow) -> Verdict:
        """The verdict for one flow; a target without policies of its own (the outside) counts as letting it in."""
        service = service_of(flow, cluster=self.cluster)
        if service is not None:
            return self._judge_service(flow, service)
        if flow.target.service is not None:
            return _uncertain(Answer.UNKNOWN, f"the service {flow.target} is not in the cluster state")
        return self._judge_packet(packet_of(flow, cluster=self.cluster), is_reply=flow.is_reply)

    def protecting(self, pod: Pod) -> Selected:
        """The policies that select a pod, or may, in their order of judgement."""
        return self.compiled.index.protecting(party_of_pod(pod, cluster=self.cluster))

    def decide(self, direction: Direction, packet: Packet) -> Decision:
        """One direction alone."""
        local, remote = (packet.source, packet.target) if direction == "egress" else (packet.target, packet.source)
        if local.kind == "unlisted" and local.namespace is not None:
            return Decision(answer=Answer.UNKNOWN, reason=f"the pod {local.text} is not in the cluster state")
        decision = self._decide(
            Question(direction=direction, local=local, remote=remote, packet=packet, profile=self.profile)
        )
        return self._with_own_node(decision, direction, local=local, remote=remote)

    def _judge_packet(self, packet: Packet, *, is_reply: bool) -> Verdict:
        if is_reply:
            return Verdict(egress=_REPLY, ingress=_REPLY, notes=self.compiled.notes)
        if packet.source.pod is not None and packet.source.pod is packet.target.pod:
            return Verdict(egress=_SELF, ingress=_SELF, notes=self.compiled.notes)
        return Verdict(
            egress=self.decide("egress", packet),
            ingress=self.decide("ingress", packet),
            notes=(*self.compiled.notes, *_notes(packet)),
        )

    def _decide(self, question: Question) -> Decision:
        selected = self.compiled.index.protecting(question.local)
        if not selected and question.local.kind not in {"pod", "unlisted"}:
            end = "source" if question.direction == "egress" else "target"
            return Decision(answer=Answer.ALLOW, reason=f"no policy of this cluster protects the {end}: not applicable")
        found: list[Decision] = []
        if self._judges_kubernetes:
            found.append(judge_kubernetes(question, [pair for pair in selected if pair[0].layer != "calico"]))
        if self._judges_tiers:
            members = [pair for pair in selected if pair[0].layer != "cilium"]
            found.append(judge_tiers(question, members, self.compiled.tiers))
        return _strictest(found)

    def _with_own_node(self, decision: Decision, direction: Direction, *, local: Party, remote: Party) -> Decision:
        """Traffic between a pod and its own node: towards the pod it always passes, away from it opinions differ."""
        if decision.answer is Answer.ALLOW or not _is_own_node(local, remote):
            return decision
        if direction == "ingress" or self.profile.own_node_is_exempt is Truth.YES:
            return Decision(answer=Answer.ALLOW, reason="traffic between a pod and its own node always passes")
        if self.profile.own_node_is_exempt is Truth.NO or decision.answer is not Answer.DENY:
            return decision
        reason = f"the API lets a pod reach its own node, implementations differ; else: {decision.reason}"
        return Decision(answer=Answer.CNI, reason=reason, origin=decision.origin, rule=decision.rule)

    def _judge_service(self, flow: Flow, service: Service) -> Verdict:
        backends = self.cluster.backends(service)
        if backends is None:
            return _uncertain(Answer.UNKNOWN, f"what stands behind the service {flow.target} is not known")
        verdicts = [
            self._judge_packet(packet_of(one, cluster=self.cluster), is_reply=flow.is_reply)
            for one in translated(flow, service, backends)
        ]
        if not verdicts:
            return _uncertain(Answer.UNKNOWN, f"nothing stands behind port {flow.port} of the service {flow.target}")
        if len({verdict.answer for verdict in verdicts}) > 1:
            return _uncertain(Answer.UNKNOWN, "it depends on the backend that the service chooses")
        arrived = verdicts[0]
        if self.profile.services_are_translated_first is Truth.YES or flow.target.address is None:
            return _noted(arrived, "judged after the service's address was translated to a backend's")
        before = self._judge_packet(packet_of(flow, cluster=self.cluster), is_reply=flow.is_reply)
        if before.egress.answer is arrived.egress.answer:
            return _noted(arrived, "the same before and after the service's address is translated")
        reason = f"{arrived.egress.answer} at the backend, {before.egress.answer} at the service's own address"
        return Verdict(egress=Decision(answer=Answer.CNI, reason=reason), ingress=arrived.ingress)


def simulate(
    *,
    cluster: ClusterState,
    policies: Sequence[Mapping[str, Any]],
    flow: Flow,
    profile: str | Mapping[str, Any] | Profile = "api",
) -> Verdict:
    """The verdict for one flow under these manifests; raises ``InvalidPolicies`` for what no cluster enforces.

    To ask about many flows, make one ``Simulator``.
    """
    return Simulator(cluster=cluster, policies=policies, profile=profile).judge(flow)


def _strictest(decisions: Sequence[Decision]) -> Decision:
    return min(decisions, key=lambda decision: (_SEVERITY.index(decision.answer), not decision.is_explicit))


def _is_own_node(local: Party, remote: Party) -> bool:
    if local.kind != "pod":
        return False
    if remote.entity == "host":
        return True
    is_node = remote.kind == "node" or remote.is_on_host_network
    return is_node and local.node_name is not None and remote.node_name == local.node_name


def _notes(packet: Packet) -> tuple[str, ...]:
    notes = [
        f"{party.text} is on the host network: which policies see it is left to the implementation"
        for party in (packet.source, packet.target)
        if party.is_on_host_network
    ]
    if packet.target.kind == "outside" and packet.target.name is not None:
        notes.append(f"judged by the name {packet.target.name}, known by {packet.target.known_by}")
    return tuple(notes)


def _noted(verdict: Verdict, note: str) -> Verdict:
    return Verdict(egress=verdict.egress, ingress=verdict.ingress, notes=(*verdict.notes, note))


def _uncertain(answer: Answer, reason: str) -> Verdict:
    decision = Decision(answer=answer, reason=reason)
    return Verdict(egress=decision, ingress=decision)
