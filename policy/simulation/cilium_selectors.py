"""Cilium's selectors and entities: labels have a source, and namespaces and nodes are labels too."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from policy.simulation.flows import Packet, Party
from policy.simulation.peers import UNKNOWN_DOUBT
from policy.simulation.truth import Truth, every, negate, truth_of

Where = Literal["pod", "namespace-name", "namespace-label", "cluster", "service-account", "reserved", "never"]

_NAMESPACE = "io.kubernetes.pod.namespace"
_NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
_CLUSTER = "io.cilium.k8s.policy.cluster"
_SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_INSIDE = frozenset({"cluster", "host", "remote-node", "ingress", "init", "health", "unmanaged", "kube-apiserver"})


@dataclass(frozen=True, slots=True)
class CiliumRequirement:
    """One condition on one label, with the place in which the label is found."""

    where: Where
    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def judge(self, party: Party, *, local: Party, cluster_name: str) -> Truth:
        if self.where == "reserved":
            present = judge_entity(self.key, party, local=local)
            return present if self.operator in {"In", "Exists"} else negate(present)
        value, is_known = self._value(party, cluster_name)
        if value is None and not is_known:
            return Truth.UNKNOWN
        if self.operator == "In":
            return truth_of(value is not None and value in self.values)
        if self.operator == "NotIn":
            return truth_of(value is None or value not in self.values)
        return truth_of((value is not None) == (self.operator == "Exists"))

    def _value(self, party: Party, cluster_name: str) -> tuple[str | None, bool]:
        if party.kind == "unlisted":
            return self._value_of_unlisted(party, cluster_name)
        if party.kind != "pod" or party.is_on_host_network:
            return None, party.entity not in {"all", "cluster"} and not party.is_maybe_inside
        if self.where == "pod":
            return party.labels.values.get(self.key), party.labels.is_complete
        if self.where == "namespace-name":
            return party.namespace, True
        if self.where == "namespace-label":
            return party.namespace_labels.values.get(self.key), party.namespace_labels.is_complete
        if self.where == "service-account":
            return (party.pod.service_account if party.pod else None), True
        return (cluster_name if self.where == "cluster" else None), True

    def _value_of_unlisted(self, party: Party, cluster_name: str) -> tuple[str | None, bool]:
        if self.where == "cluster":
            return cluster_name, True
        if self.where == "namespace-name":
            return party.namespace, party.namespace is not None
        if self.where == "namespace-label":
            return party.namespace_labels.values.get(self.key), party.namespace_labels.is_complete
        return None, self.where == "never"


@dataclass(frozen=True, slots=True)
class CiliumSelector:
    """Requirements that must all hold over the labels that Cilium gives an endpoint."""

    requirements: tuple[CiliumRequirement, ...]
    cluster_name: str = "default"

    @classmethod
    def parse(cls, written: Mapping[str, Any] | None, *, cluster_name: str) -> "CiliumSelector":
        found = []
        for key, value in ((written or {}).get("matchLabels") or {}).items():
            found.append(_requirement(str(key), "In", [str(value)]))
        for expression in (written or {}).get("matchExpressions") or ():
            values = [str(value) for value in expression.get("values") or ()]
            found.append(_requirement(str(expression.get("key")), str(expression.get("operator")), values))
        return cls(tuple(found), cluster_name)

    @property
    def pair(self) -> tuple[str, str] | None:
        for one in self.requirements:
            if one.where == "pod" and one.operator == "In" and len(one.values) == 1:
                return one.key, next(iter(one.values))
        return None

    @property
    def places(self) -> frozenset[Where]:
        return frozenset(one.where for one in self.requirements)

    def judge(self, party: Party, *, local: Party) -> Truth:
        return every(one.judge(party, local=local, cluster_name=self.cluster_name) for one in self.requirements)

    def also(self, requirement: CiliumRequirement) -> "CiliumSelector":
        return replace(self, requirements=(*self.requirements, requirement))


def endpoint_selector(written: Mapping[str, Any] | None, *, namespace: str | None, cluster_name: str) -> CiliumSelector:
    """A peer's selector with the agent's defaults: the policy's own namespace, or any pod for a cluster-wide policy."""
    selector = CiliumSelector.parse(written, cluster_name=cluster_name)
    if "reserved" in selector.places or "namespace-name" in selector.places:
        return selector
    if namespace is None:
        return selector.also(CiliumRequirement("namespace-name", _NAMESPACE, "Exists"))
    if "namespace-label" in selector.places:
        return selector
    return selector.also(CiliumRequirement("namespace-name", _NAMESPACE, "In", frozenset({namespace})))


@dataclass(frozen=True, slots=True)
class EndpointPeer:
    selector: CiliumSelector
    doubt: str = UNKNOWN_DOUBT

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        return self.selector.judge(party, local=local)


@dataclass(frozen=True, slots=True)
class EntityPeer:
    entity: str
    doubt: str = "which entity stands at the other end is not known"

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        return judge_entity(self.entity, party, local=local)


def judge_entity(entity: str, party: Party, *, local: Party) -> Truth:
    """Whether a party belongs to an entity; ``host`` is the node of the pod that the policy protects."""
    if entity == "all":
        return Truth.YES
    if entity == "none":
        return Truth.NO
    if party.entity is not None:
        return _judge_named(entity, party)
    if party.is_maybe_inside:
        return Truth.UNKNOWN if entity.startswith("world") or entity in {"cluster", "cluster-mesh"} else Truth.NO
    if entity.startswith("world"):
        return _judge_world(entity, party)
    if entity in {"cluster", "cluster-mesh"}:
        return truth_of(party.is_in_cluster)
    if entity in {"host", "remote-node"}:
        return _judge_node(entity, party, local=local)
    if entity == "kube-apiserver":
        return Truth.UNKNOWN if party.kind == "node" else Truth.NO
    return Truth.UNKNOWN if party.kind == "unlisted" and party.namespace is None else Truth.NO


def _judge_named(entity: str, party: Party) -> Truth:
    """Between what the flow calls the party and what the rule calls it."""
    named = party.entity or ""
    if named == entity:
        return Truth.YES
    if named == "all":
        return Truth.UNKNOWN
    if entity in {"cluster", "cluster-mesh"}:
        return truth_of(named in _INSIDE)
    if entity.startswith("world"):
        if named.startswith("world"):
            return _judge_world(entity, party) if named == "world" else truth_of(entity == "world")
        return Truth.UNKNOWN if named == "kube-apiserver" else Truth.NO
    # The API server may run on this node or on another; the word "cluster" may mean any of its members.
    return Truth.UNKNOWN if named in {"cluster", "kube-apiserver"} else Truth.NO


def _judge_world(entity: str, party: Party) -> Truth:
    if party.is_in_cluster:
        return Truth.NO
    if entity == "world":
        return Truth.YES
    if not party.addresses:
        return Truth.UNKNOWN
    return truth_of(party.addresses[0].version == (4 if entity == "world-ipv4" else 6))


def _judge_node(entity: str, party: Party, *, local: Party) -> Truth:
    if party.kind != "node" and not party.is_on_host_network:
        return Truth.NO
    if local.node_name is None or party.node_name is None:
        return Truth.UNKNOWN
    return truth_of((party.node_name == local.node_name) == (entity == "host"))


def _requirement(key: str, operator: str, values: list[str]) -> CiliumRequirement:
    source, separator, rest = key.partition(":")
    name = rest if separator else key
    if separator and source == "reserved":
        return CiliumRequirement("reserved", name, operator, frozenset(values))
    if separator and source not in {"k8s", "any"}:
        return CiliumRequirement("never", name, operator, frozenset(values))
    if name == _NAMESPACE:
        return CiliumRequirement("namespace-name", name, operator, frozenset(values))
    if name.startswith(_NAMESPACE_LABELS):
        return CiliumRequirement("namespace-label", name.removeprefix(_NAMESPACE_LABELS), operator, frozenset(values))
    if name == _CLUSTER:
        return CiliumRequirement("cluster", name, operator, frozenset(values))
    if name == _SERVICE_ACCOUNT:
        return CiliumRequirement("service-account", name, operator, frozenset(values))
    return CiliumRequirement("pod", name, operator, frozenset(values))
