"""``projectcalico.org/v3``: ordered policies in ordered tiers; a tier that applied to a pod ends with its default."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.simulation.addresses import address_set
from policy.simulation.answers import Direction
from policy.simulation.calico_rules import CalicoContext, NetworkSet, compile_rule
from policy.simulation.calico_selectors import CalicoSelector, parse_calico_selector
from policy.simulation.flows import Party
from policy.simulation.manifests import Manifest
from policy.simulation.model import CompiledPolicy, Rule, Tier
from policy.simulation.truth import Truth, every

DEFAULT_TIER = "default"
_LAST = float("inf")
# The tiers that every installation has.
BUILT_IN_TIERS = (
    Tier(name="kube-admin", order=1_000.0),
    Tier(name=DEFAULT_TIER, order=1_000_000.0, denies_at_end=True),
    Tier(name="kube-baseline", order=10_000_000.0),
)


@dataclass(frozen=True, slots=True)
class CalicoSubject:
    """Workload endpoints by selectors; pods on the host network are none."""

    namespace: str | None
    pods: CalicoSelector
    namespaces: CalicoSelector | None
    service_accounts: CalicoSelector | None
    context: CalicoContext

    @property
    def is_of_nodes(self) -> bool:
        return False

    @property
    def pair(self) -> tuple[str, str] | None:
        return next(((key, value) for key, value in self.pods.pairs.items() if "projectcalico.org" not in key), None)

    def judge(self, party: Party) -> Truth:
        if party.kind not in {"pod", "unlisted"} or party.is_on_host_network:
            return Truth.NO
        if self.namespace is not None and party.namespace != self.namespace:
            return Truth.UNKNOWN if party.namespace is None else Truth.NO
        truths = [self.pods.judge(self.context.labels_of(party))]
        if self.namespaces is not None:
            labels = self.context.namespace_labels_of(party)
            truths.append(Truth.NO if self.namespaces.is_global else self.namespaces.judge(labels))
        if self.service_accounts is not None:
            truths.append(Truth.UNKNOWN)
        return every(truths)


def tier_of(manifest: Manifest) -> Tier:
    """A tier; without an order it is the last, and it denies at its end unless it says otherwise."""
    order = manifest.spec.get("order")
    return Tier(
        name=manifest.name,
        order=_LAST if order is None else float(order),
        denies_at_end=manifest.spec.get("defaultAction") != "Pass",
    )


def network_set_of(manifest: Manifest) -> NetworkSet:
    """The blocks of a NetworkSet or GlobalNetworkSet, with the labels that selectors see."""
    namespace = None if manifest.kind == "GlobalNetworkSet" else manifest.namespace
    spec = manifest.spec
    return NetworkSet(
        namespace=namespace,
        labels=dict(manifest.labels),
        blocks=address_set(str(block) for block in spec.get("nets") or ()),
        domains=tuple(str(name) for name in spec.get("allowedEgressDomains") or ()),
    )


def compile_calico_policy(manifest: Manifest, *, context: CalicoContext) -> CompiledPolicy | None:
    """The policy, or none for one that never reaches a pod (``doNotTrack``, ``preDNAT``: host endpoints only)."""
    spec = manifest.spec
    if spec.get("doNotTrack") or spec.get("preDNAT"):
        return None
    namespace = manifest.namespace if manifest.kind == "NetworkPolicy" else None
    types = _types(spec)
    order = spec.get("order")
    return CompiledPolicy(
        origin=manifest.origin,
        layer="calico",
        subject=CalicoSubject(
            namespace=namespace,
            pods=parse_calico_selector(str(spec.get("selector") or "")),
            namespaces=_optional(spec.get("namespaceSelector")) if namespace is None else None,
            service_accounts=_optional(spec.get("serviceAccountSelector")),
            context=context,
        ),
        rules={
            direction: tuple(_rules(spec.get(direction) or (), direction, namespace=namespace, context=context))
            if direction in types
            else ()
            for direction in _DIRECTIONS
        },
        applies_to=types,
        order=_LAST if order is None else float(order),
        tier=str(spec.get("tier") or DEFAULT_TIER),
        is_ours=manifest.is_ours,
    )


_DIRECTIONS: tuple[Direction, ...] = ("egress", "ingress")


def _types(spec: Mapping[str, Any]) -> frozenset[Direction]:
    """Given types win; else the directions that have rules; else ingress alone."""
    given = spec.get("types")
    if given:
        return frozenset(direction for direction in _DIRECTIONS if direction.capitalize() in given)
    found = frozenset(direction for direction in _DIRECTIONS if spec.get(direction))
    return found or frozenset({"ingress"})


def _optional(text: Any) -> CalicoSelector | None:
    return parse_calico_selector(str(text)) if text else None


def _rules(
    written: Sequence[Mapping[str, Any]], direction: Direction, *, namespace: str | None, context: CalicoContext
) -> Iterator[Rule]:
    """``Log`` decides nothing and is left out; the places of the other rules stay as written."""
    for index, rule in enumerate(written):
        if rule.get("action") != "Log":
            yield compile_rule(rule, index=index, direction=direction, namespace=namespace, context=context)


__all__ = [
    "BUILT_IN_TIERS",
    "CalicoContext",
    "compile_calico_policy",
    "network_set_of",
    "tier_of",
]
