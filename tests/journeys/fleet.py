"""The practice clusters of the journeys, as their administrators see them: through the official Kubernetes client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from practice import ControlPlane
from tests.rollouts.fleet import Kubectl, kubectl_on

# Namespace → owning team and its workloads.
NAMESPACES = {"checkout": ("payments", ("api", "worker")), "shop": ("storefront", ("web",))}


@dataclass(frozen=True)
class Stage:
    """One cluster of the play."""

    name: str
    environment: str
    cilium: bool = True

    @property
    def kind(self) -> str:
        """What our objects are on it."""
        return "CiliumNetworkPolicy" if self.cilium else "NetworkPolicy"


CLUSTERS = (
    Stage("dev-1", "development"),
    Stage("staging-1", "staging"),
    Stage("prod-eu-1", "production"),
    Stage("prod-edge-1", "production", cilium=False),
)


@dataclass(frozen=True)
class Fleet:
    """Running control planes by the name under which they are registered."""

    planes: dict[str, ControlPlane]

    @contextmanager
    def kubectl(self, cluster: str) -> Iterator[Kubectl]:
        """The administrator's client of one cluster."""
        with kubectl_on(self.planes[cluster]) as kubectl:
            yield kubectl

    def objects(self, cluster: str, namespace: str) -> list[dict[str, Any]]:
        """What lies in the namespace now, of the kind that we write there."""
        kind = next(one.kind for one in CLUSTERS if one.name == cluster)
        with self.kubectl(cluster) as kubectl:
            found = [kubectl.get(kind, namespace, name) for name in kubectl.names(kind, namespace)]
        return [one for one in found if one is not None]

    def carries(self, cluster: str, namespace: str, text: str) -> bool:
        """Whether any policy there names the destination or passport."""
        return text in json.dumps([_without_history(one) for one in self.objects(cluster, namespace)])


def contents() -> list[dict[str, Any]]:
    """Namespaces and workloads as objects: they are counted and selected, but nothing runs."""
    objects: list[dict[str, Any]] = []
    for name, (owner, workloads) in NAMESPACES.items():
        labels = {"team": owner, "kubernetes.io/metadata.name": name}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        objects += [_deployment(name, workload) for workload in workloads]
    return objects


def _deployment(namespace: str, workload: str) -> dict[str, Any]:
    labels = {"app": workload}
    container = {"name": workload, "image": f"registry.invalid/{workload}:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": workload, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _without_history(found: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    return {**found, "metadata": metadata}
