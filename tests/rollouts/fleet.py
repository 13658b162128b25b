"""A small fleet of real API servers, registered and inventoried by the services, and somebody else's kubectl on it."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from kubernetes import client as official
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from accounts.models import Team, User
from allowlist.models import Entry, EntryRevision
from allowlist.proposals import Proposal, parse_proposal
from allowlist.services import create_revision
from clusters.inventory import run_contact
from clusters.models import Cluster, Contact, EnforcementPoint, Namespace
from clusters.services import assign_namespace, request_contact
from practice import ControlPlane
from rollouts.models import NamespacePush
from rollouts.pushing import push_due
from tests import factories
from tests.clusters import factories as fleet_factories

_numbers = itertools.count(1)


def unique(stem: str) -> str:
    return f"{stem}-{os.getpid()}-{next(_numbers)}"


class Kubectl:
    """Somebody else on the cluster, with the official client."""

    def __init__(self, dynamic: DynamicClient) -> None:
        self._dynamic = dynamic

    def _api(self, kind: str) -> Any:
        version = "cilium.io/v2" if kind.startswith("Cilium") else "networking.k8s.io/v1"
        return self._dynamic.resources.get(api_version=version, kind=kind)

    def get(self, kind: str, namespace: str, name: str = "sallyport-egress") -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._api(kind).get(name=name, namespace=namespace).to_dict()
        except NotFoundError:
            return None
        return found

    def names(self, kind: str, namespace: str) -> list[str]:
        return sorted(item.metadata.name for item in self._api(kind).get(namespace=namespace).items)

    def create(self, manifest: dict[str, Any]) -> None:
        namespace = manifest["metadata"]["namespace"]
        self._api(manifest["kind"]).create(body=manifest, namespace=namespace, field_manager="kubectl-create")

    def patch(self, kind: str, namespace: str, body: Any, *, name: str = "sallyport-egress") -> None:
        content = "application/json-patch+json" if isinstance(body, list) else "application/merge-patch+json"
        self._api(kind).patch(
            body=body, name=name, namespace=namespace, content_type=content, field_manager="kubectl-edit"
        )

    def delete(self, kind: str, namespace: str, name: str = "sallyport-egress") -> None:
        self._api(kind).delete(name=name, namespace=namespace)


@contextmanager
def kubectl_on(plane: ControlPlane) -> Iterator[Kubectl]:
    with tempfile.TemporaryDirectory() as folder:
        authority = Path(folder) / "ca.crt"
        authority.write_text(plane.ca_pem)
        configuration = official.Configuration()
        configuration.host = plane.server
        configuration.ssl_ca_cert = str(authority)
        configuration.api_key = {"authorization": f"Bearer {plane.admin_token}"}
        with official.ApiClient(configuration) as api:
            yield Kubectl(DynamicClient(api))


@dataclass
class Site:
    """One registered cluster with one namespace of the team."""

    plane: ControlPlane
    cluster: Cluster
    namespace: Namespace

    @property
    def point(self) -> EnforcementPoint:
        return EnforcementPoint.objects.select_related("cluster__environment").get(cluster=self.cluster)

    @property
    def push(self) -> NamespacePush:
        return NamespacePush.objects.select_related("published").get(namespace=self.namespace)


@dataclass
class Fleet:
    """People, a team, and its sites by stage."""

    team: Team
    lead: User
    reviewer: User
    engineer: User
    sites: dict[str, Site] = field(default_factory=dict)

    def add_site(
        self, plane: ControlPlane, *, stage: str, namespace: str, labels: dict[str, str] | None = None
    ) -> Site:
        cluster = fleet_factories.cluster(
            unique(stage), actor=self.engineer, owner=self.team, stage=stage, using=plane.access(), labels=labels
        )
        plane.create_namespace(namespace)
        contact = Contact.objects.filter(cluster=cluster).first()
        run_contact(contact.pk)
        inventory = request_contact(actor=self.engineer, cluster_id=cluster.pk, kind=Contact.Kind.INVENTORY)
        run_contact(inventory.pk)
        cluster.refresh_from_db()
        row = Namespace.objects.get(cluster=cluster, name=namespace)
        assign_namespace(actor=self.engineer, namespace_id=row.pk, team_id=self.team.pk)
        row.refresh_from_db()
        self.sites[stage] = Site(plane, cluster, row)
        return self.sites[stage]

    @property
    def namespace(self) -> str:
        return next(iter(self.sites.values())).namespace.name

    def proposal(
        self, destination: str = "10.20.0.0/16", *, ports: str = "443", days: int = 90, **more: Any
    ) -> Proposal:
        at = timezone.now()
        fields = {
            "destination": destination,
            "ports": ports,
            "namespaces": [self.namespace],
            "justification": "The shop talks to its payment provider.",
            "expires_at": (at + timedelta(days=days)).date().isoformat(),
        }
        return parse_proposal({**fields, **more}, at=at)

    def grant(self, destination: str = "10.20.0.0/16", *, entry: Entry | None = None, **more: Any) -> EntryRevision:
        """An approved revision, as the workflow hands it down."""
        return self._revise(EntryRevision.Kind.GRANT, self.proposal(destination, **more), entry)

    def revoke(self, entry: Entry) -> EntryRevision:
        return self._revise(EntryRevision.Kind.REVOCATION, Proposal.of_revision(entry.latest), entry)

    def _revise(self, kind: str, proposal: Proposal, entry: Entry | None) -> EntryRevision:
        return create_revision(
            actor=self.reviewer,
            team=self.team,
            entry=entry,
            kind=kind,
            proposal=proposal,
            request_id=None,
            requested_by=self.lead,
            approved_by=[self.reviewer],
            approved_at=timezone.now(),
            effect_hash=f"{next(_numbers):064x}",
        )

    def push(self) -> int:
        return push_due("test")


def make_fleet() -> Fleet:
    team = factories.team(unique("shop"))
    return Fleet(
        team=team,
        lead=factories.lead(team),
        reviewer=factories.reviewer(),
        engineer=factories.platform_engineer(),
    )


def soon(**delta: float) -> datetime:
    return timezone.now() + timedelta(**delta)
