"""Manifests as users write them: lists unfolded, kinds told apart by group, refused ones reported."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.simulation.state import DEFAULT_NAMESPACE

MANAGED_BY = "app.kubernetes.io/managed-by"
OUR_NAME = "sallyport"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object with the parts that every kind has."""

    document: Mapping[str, Any]

    @property
    def group(self) -> str:
        return str(self.document.get("apiVersion") or "").partition("/")[0]

    @property
    def kind(self) -> str:
        return str(self.document.get("kind") or "")

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.document.get("metadata") or {}

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or self.metadata.get("generateName") or "")

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or DEFAULT_NAMESPACE)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.get("labels") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.document.get("spec") or {}

    @property
    def origin(self) -> str:
        """How answers name the object; kinds that several groups share carry their group."""
        kind = f"{self.kind}.{self.group}" if self.kind in _SHARED_KINDS and self.group in _QUALIFIED else self.kind
        return f"{kind} {self.name}" if self.kind in CLUSTER_WIDE else f"{kind} {self.namespace}/{self.name}"

    @property
    def is_ours(self) -> bool:
        return self.labels.get(MANAGED_BY) == OUR_NAME


CLUSTER_WIDE = frozenset(
    {
        "AdminNetworkPolicy",
        "BaselineAdminNetworkPolicy",
        "CiliumCIDRGroup",
        "CiliumClusterwideNetworkPolicy",
        "ClusterNetworkPolicy",
        "GlobalNetworkPolicy",
        "GlobalNetworkSet",
        "StagedGlobalNetworkPolicy",
        "Tier",
    }
)
_SHARED_KINDS = frozenset({"NetworkPolicy", "ClusterNetworkPolicy"})
_QUALIFIED = frozenset({"projectcalico.org", "crd.antrea.io", "networking.k8s.aws"})


def unfold(policies: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every object, those inside lists of any kind included."""
    for document in policies:
        items = document.get("items") if isinstance(document, Mapping) else None
        if isinstance(items, list) and str(document.get("kind", "")).endswith("List"):
            yield from unfold(items)
        else:
            yield document
