"""Whose word lets traffic out that no entry permits, and which entries are denied by somebody else's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.destinations import Destination
from policy.ports import format_ports
from policy.replay import EntryIndex, ScopedEntry
from policy.simulation.addresses import Network, parse_address
from policy.simulation.answers import Answer, Decision
from policy.simulation.flows import Flow, Place, packet_of
from policy.simulation.ports import PortSpec
from policy.simulation.profiles import Profile
from policy.simulation.simulator import Simulator
from policy.simulation.state import ClusterState, Pod
from policy.simulation.universe import (
    ELSEWHERE,
    Mentions,
    PortClass,
    TargetClass,
    mentions_of,
    outside_classes,
    place_of,
    port_classes,
)

_UNSETTLED = frozenset({Answer.UNKNOWN, Answer.CNI})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowAllow:
    """A rule of somebody else's object that lets workloads reach what no entry permits.

    ``is_certain`` is false where only some implementations, or some unknown facts, make it so.
    """

    origin: str
    section: str
    rule: int
    workloads: tuple[str, ...]
    targets: tuple[str, ...]
    ports: str
    is_certain: bool
    example: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowedEntry:
    """An entry whose flow is denied by somebody's rule all the same."""

    passport: str
    origin: str
    rule: int | None
    workload: str
    example: Flow
    reason: str


def shadow_allows(
    *,
    cluster: ClusterState,
    policies: Iterable[Mapping[str, Any]],
    entries: Iterable[ScopedEntry],
    profile: str | Mapping[str, Any] | Profile = "api",
) -> tuple[ShadowAllow, ...]:
    """What leaves the cluster by foreign rules alone; ours are known by their ownership label.

    A workload that nothing closes is not reported here: ``coverage`` tells that.
    """
    simulator = Simulator(cluster=cluster, policies=policies, profile=profile, on_invalid="not-enforced")
    return _ShadowSearch(simulator, tuple(entries)).run()


def shadowed_entries(
    *,
    cluster: ClusterState,
    policies: Iterable[Mapping[str, Any]],
    entries: Iterable[ScopedEntry],
    profile: str | Mapping[str, Any] | Profile = "api",
) -> tuple[ShadowedEntry, ...]:
    """The entries of which an example is denied for a workload in their scope, by a rule that says so."""
    simulator = Simulator(cluster=cluster, policies=policies, profile=profile, on_invalid="not-enforced")
    return tuple(found for scoped in entries for found in _shadowed(simulator, scoped))


class _ShadowSearch:
    def __init__(self, simulator: Simulator, entries: Sequence[ScopedEntry]) -> None:
        self._simulator = simulator
        self._cluster = simulator.cluster
        self._entries = entries
        self._index = EntryIndex(entries)
        self._ours = {policy.origin for policy in simulator.compiled.policies if policy.is_ours}
        self._found: dict[tuple[Any, ...], list[tuple[str, PortClass, Flow]]] = {}

    def run(self) -> tuple[ShadowAllow, ...]:
        for pods in _workloads(self._cluster.pods):
            self._search(pods)
        return tuple(self._grouped())

    def _search(self, pods: Sequence[Pod]) -> None:
        pod = pods[0]
        selected = [policy for policy, _ in self._simulator.protecting(pod)]
        foreign = [policy for policy in selected if not policy.is_ours]
        if not foreign:
            return
        mentions = mentions_of(foreign, "egress") | self._named_by_entries(pod)
        workload = f"{pod.namespace}/{pod.name}" + (f" and {len(pods) - 1} alike" if len(pods) > 1 else "")
        for target in outside_classes(mentions, cluster=self._cluster):
            for ports in port_classes(mentions, cluster=self._cluster):
                self._ask(pod, workload, target=target, ports=ports)

    def _ask(self, pod: Pod, workload: str, *, target: TargetClass, ports: PortClass) -> None:
        flow = ports.flow(source=place_of(pod), target=target.place)
        decision = self._simulator.decide("egress", packet_of(flow, cluster=self._cluster))
        if decision.answer is Answer.DENY or decision.rule is None or decision.origin in self._ours:
            return
        if not self._is_permitted(pod, flow):
            key = (decision.origin, decision.section or "", decision.rule, workload, decision.answer)
            self._found.setdefault(key, []).append((target.text, ports, flow))

    def _is_permitted(self, pod: Pod, flow: Flow) -> bool:
        name = flow.target.name if flow.target.name != ELSEWHERE else None
        found = self._index.match(
            namespace=pod.namespace,
            labels=pod.labels or {},
            name=name,
            address=flow.target.address,
            port=flow.port,
            protocol=flow.protocol,
        )
        return bool(found)

    def _named_by_entries(self, pod: Pod) -> Mentions:
        """The entries cut the universe as well: what they permit in part must not hide the rest."""
        inside = [
            one.entry for one in self._entries if one.covers_workload(namespace=pod.namespace, labels=pod.labels or {})
        ]
        blocks = {network for one in inside for network in _networks(one.destination)}
        specs = {
            PortSpec(frozenset({ports.protocol}), first=ports.first, last=ports.last)
            for one in inside
            for ports in one.ports
            if ports.first is not None
        }
        return Mentions(frozenset(blocks), frozenset(), frozenset(specs))

    def _grouped(self) -> Iterator[ShadowAllow]:
        for (origin, section, rule, workload, answer), hits in self._found.items():
            by_ports: dict[str, list[tuple[str, Flow]]] = {}
            targets: dict[str, list[tuple[PortClass, Flow]]] = {}
            for target, ports, flow in hits:
                targets.setdefault(target, []).append((ports, flow))
            for target, found in targets.items():
                text = format_ports(ports.ports for ports, _ in found)
                by_ports.setdefault(text, []).append((target, found[0][1]))
            for text, found_targets in by_ports.items():
                yield ShadowAllow(
                    origin=origin,
                    section=section,
                    rule=rule,
                    workloads=(workload,),
                    targets=tuple(target for target, _ in found_targets),
                    ports=text,
                    is_certain=answer not in _UNSETTLED,
                    example=found_targets[0][1],
                )


def _networks(destination: Destination) -> Iterator[Network]:
    if destination.network is not None:
        yield destination.network
        yield from destination.excepts


def _workloads(pods: Iterable[Pod]) -> list[list[Pod]]:
    """Pods that policies and entries cannot tell apart as a source."""
    found: dict[Any, list[Pod]] = {}
    for pod in pods:
        labels = None if pod.labels is None else tuple(sorted(pod.labels.items()))
        found.setdefault((pod.namespace, labels, pod.is_on_host_network, pod.service_account), []).append(pod)
    return list(found.values())


def _shadowed(simulator: Simulator, scoped: ScopedEntry) -> Iterator[ShadowedEntry]:
    for pods in _workloads(simulator.cluster.pods):
        pod = pods[0]
        if not scoped.covers_workload(namespace=pod.namespace, labels=pod.labels or {}):
            continue
        for flow in _examples(pod, scoped):
            decision = simulator.decide("egress", packet_of(flow, cluster=simulator.cluster))
            if decision.answer is Answer.DENY and decision.is_explicit:
                yield _shadowed_by(decision, scoped, pod=pod, flow=flow)
                break


def _examples(pod: Pod, scoped: ScopedEntry) -> Iterator[Flow]:
    entry = scoped.entry
    for example in entry.destination.examples():
        if not example.matches:
            continue
        place = Place(name=example.text) if entry.destination.is_name else _place_at(example.text)
        if place is None:
            continue
        for ports in entry.ports:
            protocol = "TCP" if ports.protocol == "ANY" else ports.protocol
            port = ports.span[0] if protocol != "ICMP" else None
            yield Flow(
                source=place_of(pod), target=place, port=port, protocol=protocol, icmp_type=8 if port is None else None
            )


def _place_at(text: str) -> Place | None:
    try:
        return Place(address=parse_address(text), name=ELSEWHERE)
    except ValueError:
        return None


def _shadowed_by(decision: Decision, scoped: ScopedEntry, *, pod: Pod, flow: Flow) -> ShadowedEntry:
    return ShadowedEntry(
        passport=scoped.entry.passport,
        origin=decision.origin or "",
        rule=decision.rule,
        workload=f"{pod.namespace}/{pod.name}",
        example=flow,
        reason=decision.reason,
    )
