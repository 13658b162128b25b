"""The practice clusters: real API servers on loopback, registered through the ordinary service."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from clusters.models import Cluster, Contact, Environment, Namespace
from clusters.services import assign_namespace, register_cluster, request_contact
from config.demo.people import person, team
from practice import ADMIN, ControlPlane

FIRST_PORT = 18440
WAIT_SECONDS = 120
CILIUM_VERSION = "v1.20.2"
Say = Callable[[str], object]

# Namespace → owning team and its workloads.
NAMESPACES = {
    "checkout": ("payments", ("api", "worker")),
    "billing": ("payments", ("invoices",)),
    "shop": ("storefront", ("web", "images")),
    "search": ("storefront", ("indexer",)),
    "warehouse": ("data-platform", ("loader", "exports")),
    "login": ("identity", ("sso",)),
    "training": ("ml-research", ("notebook",)),
}


@dataclass(frozen=True)
class Practice:
    """One practice cluster: its stage and whether it speaks Cilium."""

    name: str
    environment: str
    region: str
    cilium: bool = True


PRACTICE = (
    Practice("dev-1", "development", "eu"),
    Practice("staging-1", "staging", "eu"),
    Practice("prod-eu-1", "production", "eu"),
    Practice("prod-edge-1", "production", "edge", cilium=False),
)


def start_fleet(say: Say) -> list[ControlPlane]:
    """Start every practice cluster with its namespaces and workloads; ControlPlaneUnavailable where none can run."""
    planes = []
    for number, one in enumerate(PRACTICE):
        say(f"starting {one.name}")
        folder = Path(settings.DATA_DIR) / "practice" / one.name
        plane = ControlPlane(name=one.name, data_dir=folder, port=FIRST_PORT + number)
        plane.start()
        plane.install_crds(cilium=one.cilium)
        plane.ensure_objects([*_contents(), *([_cilium_agent()] if one.cilium else [])])
        planes.append(plane)
    return planes


def join_fleet(planes: list[ControlPlane], say: Say) -> None:
    """Register, take the inventory and assign the namespaces, where that has not been done yet."""
    for one, plane in zip(PRACTICE, planes, strict=True):
        if not Cluster.objects.filter(name=one.name).exists():
            say(f"registering {one.name}")
            register_cluster(
                actor=person("pia"),
                name=one.name,
                environment_id=Environment.objects.get(slug=one.environment).pk,
                owner_team_id=team("platform").pk,
                access=plane.access(),
                labels={"region": one.region, "practice": "yes"},
            )
    for one in PRACTICE:
        _take_inventory(Cluster.objects.get(name=one.name), say)
    for namespace in Namespace.objects.filter(cluster__labels__practice="yes", team=None, name__in=NAMESPACES):
        owner = team(NAMESPACES[namespace.name][0])
        assign_namespace(actor=person("pia"), namespace_id=namespace.pk, team_id=owner.pk)


def meddle(plane: ControlPlane) -> None:
    """What people do by hand: somebody opens a namespace "for a test", and somebody deletes a policy of ours."""
    opened = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "debug-please-remove", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
    }
    plane.ensure_objects([opened])
    with plane.client(ADMIN.user) as client:
        policies = client.resource_for(api_version="cilium.io/v2", kind="CiliumNetworkPolicy")
        ours = client.find(policies, name="sallyport-egress", namespace="search")
        if ours is not None:
            client.delete(ours)


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = WAIT_SECONDS) -> None:
    """Poll the database for what the workers do; a TimeoutError names what did not happen."""
    over_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > over_at:
            raise TimeoutError(f"Waited {seconds:.0f} s for {what}.")
        time.sleep(0.5)


def _take_inventory(cluster: Cluster, say: Say) -> None:
    if cluster.namespaces.exists():
        return
    say(f"taking the inventory of {cluster.name}")
    opened = Contact.objects.filter(cluster=cluster, state__in=["due", "running"])
    wait_until(lambda: not opened.exists(), f"the connection test of {cluster.name}")
    if not cluster.namespaces.exists():
        request_contact(actor=person("pia"), cluster_id=cluster.pk, kind=Contact.Kind.INVENTORY)
    wait_until(lambda: cluster.namespaces.exists(), f"the inventory of {cluster.name}")


def _contents() -> list[dict[str, Any]]:
    """Namespaces and pods as objects: they select and are counted, but nothing runs."""
    objects: list[dict[str, Any]] = []
    for name, (owner, workloads) in NAMESPACES.items():
        labels = {"team": owner, "kubernetes.io/metadata.name": name}
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        objects += [_deployment(name, workload) for workload in workloads]
    return objects


def _cilium_agent() -> dict[str, Any]:
    """The agent's pod as an object: its image says which Cilium a real cluster would run."""
    container = {"name": "cilium-agent", "image": f"registry.invalid/cilium/cilium:{CILIUM_VERSION}"}
    metadata = {"name": "cilium-practice", "namespace": "kube-system", "labels": {"k8s-app": "cilium"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def _deployment(namespace: str, workload: str) -> dict[str, Any]:
    labels = {"app": workload}
    container = {"name": workload, "image": f"registry.invalid/{workload}:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": workload, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
