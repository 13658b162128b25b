"""What one set of policies allows and another does not, with an example flow for each difference."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policy.ports import PortRange, format_ports
from policy.simulation.answers import Answer, Verdict
from policy.simulation.flows import Flow
from policy.simulation.model import CompiledPolicy
from policy.simulation.profiles import Profile
from policy.simulation.simulator import Simulator
from policy.simulation.state import ClusterState, Pod
from policy.simulation.universe import (
    NOTHING,
    Mentions,
    PortClass,
    mentions_of,
    outside_classes,
    place_of,
    pod_classes,
    port_classes,
)

Change = Literal["newly-allowed", "newly-denied", "changed"]
MAXIMUM_FLOWS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Flows that one set treats differently from the other; ``example`` is one of them."""

    change: Change
    source: str
    targets: tuple[str, ...]
    ports: str
    before: Verdict
    after: Verdict
    example: Flow

    def as_document(self) -> dict[str, Any]:
        """The difference as ``sallyport diff`` prints it."""
        flow = self.example
        return {
            "change": self.change,
            "source": self.source,
            "targets": list(self.targets),
            "ports": self.ports,
            "before": self.before.as_document(),
            "after": self.after.as_document(),
            "example": {
                "src": str(flow.source),
                "dst": str(flow.target),
                "port": flow.port,
                "protocol": flow.protocol,
            },
        }


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """All differences; where ``is_complete`` is false there were more flows to compare than the limit."""

    differences: tuple[Difference, ...]
    is_complete: bool

    @property
    def newly_allowed(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.change == "newly-allowed")

    @property
    def newly_denied(self) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if one.change == "newly-denied")


def diff(
    *,
    cluster: ClusterState,
    before: Iterable[Mapping[str, Any]],
    after: Iterable[Mapping[str, Any]],
    profile: str | Mapping[str, Any] | Profile = "api",
    limit: int = MAXIMUM_FLOWS,
) -> PolicyDiff:
    """Compare two sets of policies over the pods of a cluster, everything outside it, and every port.

    Addresses, ports and pods are compared exactly, names by a sample of each pattern. ``newly-allowed`` is what was
    not certainly allowed and now is; ``newly-denied`` what was not certainly denied and now is.
    """
    return _Comparison(
        Simulator(cluster=cluster, policies=before, profile=profile),
        Simulator(cluster=cluster, policies=after, profile=profile),
        limit=limit,
    ).run()


class _Comparison:
    """Walks over the kinds of flows that the two sets can tell apart."""

    def __init__(self, before: Simulator, after: Simulator, *, limit: int) -> None:
        self._before, self._after = before, after
        self._cluster = after.cluster
        self._left = limit
        self._has_other_tiers = before.compiled.tiers != after.compiled.tiers
        self._changes: dict[tuple[Any, ...], list[tuple[Verdict, Verdict, Flow, PortClass]]] = {}

    def run(self) -> PolicyDiff:
        pods = pod_classes(self._mentions(_all_policies(self._before, self._after)), cluster=self._cluster)
        changed = [self._changed_policies(members[0]) for members in pods]
        for source, over_source in zip(pods, changed, strict=True):
            self._compare_outside(source, over_source)
            for target, over_target in zip(pods, changed, strict=True):
                self._compare_pods(source, target, leaving=over_source, entering=over_target)
        return PolicyDiff(tuple(self._differences()), is_complete=self._left > 0)

    def _mentions(self, policies: Iterable[CompiledPolicy]) -> Mentions:
        found = tuple(policies)
        return mentions_of(found, "egress") | mentions_of(found, "ingress")

    def _changed_policies(self, pod: Pod) -> tuple[CompiledPolicy, ...]:
        """The policies over a pod, of both sets, where the sets differ in them; else none."""
        selected = [one.protecting(pod) for one in (self._before, self._after)]
        if selected[0] == selected[1] and not self._has_other_tiers:
            return ()
        return tuple(policy for one in selected for policy, _ in one)

    def _compare_outside(self, source: tuple[Pod, ...], changed: tuple[CompiledPolicy, ...]) -> None:
        if not changed:
            return
        leaving, entering = mentions_of(changed, "egress"), mentions_of(changed, "ingress")
        for target in outside_classes(leaving, cluster=self._cluster):
            for ports in port_classes(leaving, cluster=self._cluster):
                flow = ports.flow(source=place_of(source[0]), target=target.place)
                self._compare(flow, ports, source=_text(source), target=target.text)
        for origin in outside_classes(Mentions(entering.blocks, frozenset(), frozenset()), cluster=self._cluster):
            for ports in port_classes(entering, cluster=self._cluster):
                flow = ports.flow(source=origin.place, target=place_of(source[0]))
                self._compare(flow, ports, source=origin.text, target=_text(source))

    def _compare_pods(
        self,
        source: tuple[Pod, ...],
        target: tuple[Pod, ...],
        *,
        leaving: tuple[CompiledPolicy, ...],
        entering: tuple[CompiledPolicy, ...],
    ) -> None:
        # A pod reaches itself whatever policies say; a class of one has nothing else to reach in it.
        other = target[-1]
        if (not leaving and not entering) or other is source[0]:
            return
        mentions = mentions_of(leaving, "egress") if leaving else NOTHING
        mentions |= mentions_of(entering, "ingress") if entering else NOTHING
        for ports in port_classes(mentions, cluster=self._cluster):
            flow = ports.flow(source=place_of(source[0]), target=place_of(other))
            self._compare(flow, ports, source=_text(source), target=_text(target))

    def _compare(self, flow: Flow, ports: PortClass, *, source: str, target: str) -> None:
        self._left -= 1
        if self._left <= 0:
            return
        before, after = self._before.judge(flow), self._after.judge(flow)
        if before.answer is not after.answer:
            key = (source, target, before.answer, after.answer)
            self._changes.setdefault(key, []).append((before, after, flow, ports))

    def _differences(self) -> Iterator[Difference]:
        """Targets with the same change on the same ports are one difference."""
        grouped: dict[tuple[Any, ...], list[str]] = {}
        for key, found in self._changes.items():
            source, target, old, new = key
            ports = format_ports(one.ports for _, _, _, one in found)
            grouped.setdefault((source, old, new, ports), []).append(target)
        for (source, old, new, ports), targets in grouped.items():
            before, after, flow, _ = self._changes[source, targets[0], old, new][0]
            yield Difference(
                change=_change(old, new),
                source=source,
                targets=tuple(targets),
                ports="any" if ports == _EVERY_PROTOCOL else ports,
                before=before,
                after=after,
                example=flow,
            )


_EVERY_PROTOCOL = format_ports(PortRange(protocol) for protocol in ("TCP", "UDP", "SCTP", "ICMP"))


def _change(before: Answer, after: Answer) -> Change:
    if after is Answer.ALLOW:
        return "newly-allowed"
    return "newly-denied" if after is Answer.DENY else "changed"


def _all_policies(*simulators: Simulator) -> Iterator[CompiledPolicy]:
    for simulator in simulators:
        yield from simulator.compiled.policies


def _text(pods: tuple[Pod, ...]) -> str:
    first = pods[0]
    more = f" and {len(pods) - 1} alike" if len(pods) > 1 else ""
    return f"{first.namespace}/{first.name}{more}"
