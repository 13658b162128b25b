"""Which workloads are closed by default, per direction, and by whose word."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policy.simulation.answers import Answer, Decision, Direction
from policy.simulation.flows import packet_of
from policy.simulation.profiles import Profile
from policy.simulation.simulator import Simulator
from policy.simulation.state import ClusterState, Pod
from policy.simulation.universe import Mentions, PortClass, mentions_of, outside_classes, place_of, port_classes

State = Literal["closed", "partly", "open", "not-known"]
DIRECTIONS: tuple[Direction, ...] = ("egress", "ingress")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionCoverage:
    """What happens to traffic with the outside that no rule names.

    ``closed`` is default-deny in force. ``partly`` lets some of it pass (one address family, or one protocol);
    ``open`` all of it. ``by`` is the object that closes it, or, where it is not closed, the one that opens it.
    """

    state: State
    by: str | None
    reason: str

    @property
    def is_closed(self) -> bool:
        return self.state == "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCoverage:
    """Pods of one namespace with the same labels."""

    namespace: str
    labels: tuple[tuple[str, str], ...] | None
    pods: tuple[str, ...]
    egress: DirectionCoverage
    ingress: DirectionCoverage


def coverage(
    *,
    cluster: ClusterState,
    policies: Iterable[Mapping[str, Any]],
    profile: str | Mapping[str, Any] | Profile = "api",
) -> tuple[WorkloadCoverage, ...]:
    """The coverage of every workload under the policies of a live cluster; what the agent refuses closes nothing."""
    simulator = Simulator(cluster=cluster, policies=policies, profile=profile, on_invalid="not-enforced")
    return tuple(_workloads(simulator))


def without_default_deny(
    workloads: Iterable[WorkloadCoverage], *, direction: Direction = "egress"
) -> tuple[WorkloadCoverage, ...]:
    """The workloads that are not closed for certain; what is not known counts as not closed."""
    return tuple(one for one in workloads if not _of(one, direction).is_closed)


def _workloads(simulator: Simulator) -> Iterator[WorkloadCoverage]:
    grouped: dict[tuple[Any, ...], list[Pod]] = {}
    for pod in simulator.cluster.pods:
        labels = None if pod.labels is None else tuple(sorted(pod.labels.items()))
        grouped.setdefault((pod.namespace, labels, pod.is_on_host_network, pod.service_account), []).append(pod)
    for (namespace, labels, _, _), pods in grouped.items():
        yield WorkloadCoverage(
            namespace=namespace,
            labels=labels,
            pods=tuple(sorted(pod.name for pod in pods)),
            egress=_judge(simulator, pods[0], "egress"),
            ingress=_judge(simulator, pods[0], "ingress"),
        )


def _of(workload: WorkloadCoverage, direction: Direction) -> DirectionCoverage:
    return workload.egress if direction == "egress" else workload.ingress


def _judge(simulator: Simulator, pod: Pod, direction: Direction) -> DirectionCoverage:
    decisions = list(_decisions(simulator, pod, direction))
    answers = {decision.answer for decision in decisions}
    if answers == {Answer.DENY}:
        return _found("closed", decisions[0])
    passing = next((one for one in decisions if one.answer is Answer.ALLOW), None)
    if passing is None:
        return _found("not-known", next(one for one in decisions if one.answer is not Answer.DENY))
    return _found("open" if answers == {Answer.ALLOW} else "partly", passing)


def _found(state: State, decision: Decision) -> DirectionCoverage:
    return DirectionCoverage(state=state, by=decision.origin, reason=decision.reason)


def _decisions(simulator: Simulator, pod: Pod, direction: Direction) -> Iterator[Decision]:
    """Answers for what no rule names: both families, every protocol, a port that stands in no list."""
    selected = simulator.protecting(pod)
    mentions = mentions_of((policy for policy, _ in selected), direction)
    whole_families = {block for block in mentions.blocks if block.prefixlen == 0}
    remotes = outside_classes(Mentions(mentions.blocks, frozenset(), frozenset()), cluster=simulator.cluster)
    classes = port_classes(mentions, cluster=simulator.cluster)
    for remote in remotes:
        address = remote.place.address
        named = (block for block in mentions.blocks - whole_families if address is not None and address in block)
        if any(named):
            continue
        for ports in _widest_of_each_protocol(classes):
            source, target = place_of(pod), remote.place
            if direction == "ingress":
                source, target = target, source
            packet = packet_of(ports.flow(source=source, target=target), cluster=simulator.cluster)
            yield simulator.decide(direction, packet)


def _widest_of_each_protocol(classes: Iterable[PortClass]) -> list[PortClass]:
    widest: dict[str, PortClass] = {}
    for one in classes:
        known = widest.get(one.ports.protocol)
        if known is None or one.ports.count > known.ports.count:
            widest[one.ports.protocol] = one
    return list(widest.values())
