"""Clusters for tests: registered by the service, with credentials made on the spot."""

from __future__ import annotations

import base64
import functools
from datetime import datetime
from itertools import count

import yaml
from django.utils import timezone

from accounts.models import Team, User
from clusters.models import Cluster, Contact, EnforcementPoint, Environment, Namespace
from clusters.services import register_cluster
from connectors.access import ClusterAccess, access_from_fields
from tests import factories
from tests.connectors.certificates import KeyedCertificate, make_authority, make_leaf

CANARY = "canary-7f3e2d1c0b9a8f7e6d5c4b3a2918"
STAGES = {"development": ("non-production", 10), "staging": ("non-production", 20), "production": ("production", 30)}
_numbers = count(1)


@functools.cache
def authority() -> KeyedCertificate:
    return make_authority()


@functools.cache
def client_leaf() -> KeyedCertificate:
    return make_leaf(authority())


def environment(slug: str = "staging") -> Environment:
    """One of the default stages; transactional tests empty the table that the migration filled."""
    tier, position = STAGES[slug]
    found, _ = Environment.objects.get_or_create(
        slug=slug, defaults={"name": slug.title(), "tier": tier, "position": position}
    )
    return found


def access(*, server: str = "https://10.20.30.40:6443", token: str = CANARY) -> ClusterAccess:
    return access_from_fields(server=server, ca_pem=authority().certificate_pem, token=token)


def certificate_access(*, server: str = "https://10.20.30.40:6443") -> ClusterAccess:
    leaf = client_leaf()
    return access_from_fields(
        server=server,
        ca_pem=authority().certificate_pem,
        client_certificate_pem=leaf.certificate_pem,
        client_key_pem=leaf.key_pem,
    )


def kubeconfig(*, server: str = "https://10.20.30.40:6443", token: str = CANARY, **user: object) -> str:
    ca = base64.b64encode(authority().certificate_pem.encode()).decode()
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": server, "certificate-authority-data": ca}}],
            "users": [{"name": "u", "user": {"token": token, **user}}],
        }
    )


def cluster(
    name: str = "",
    *,
    actor: User | None = None,
    owner: Team | None = None,
    stage: str = "staging",
    labels: dict[str, str] | None = None,
    using: ClusterAccess | None = None,
) -> Cluster:
    return register_cluster(
        actor=actor or factories.platform_engineer(),
        name=name or f"cluster-{next(_numbers)}",
        environment_id=environment(stage).pk,
        owner_team_id=(owner or factories.team()).pk,
        access=using or access(),
        labels=labels or {},
    )


def namespace(on: Cluster, name: str = "shop", *, team: Team | None = None) -> Namespace:
    """A namespace as an inventory would have found it."""
    return Namespace.objects.create(cluster=on, name=name, uid=f"uid-{next(_numbers)}", team=team)


def enforcement_point(on: Cluster, *, dialect: str = "cilium", version: str = "1.19.4") -> EnforcementPoint:
    return EnforcementPoint.objects.create(
        cluster=on, dialect=dialect, dialect_version=version if dialect == "cilium" else "", found_at=timezone.now()
    )


def answered(on: Cluster, *, at: datetime | None = None) -> Cluster:
    """The cluster as after a contact that went well."""
    at = at or timezone.now()
    Contact.objects.filter(cluster=on).update(state=Contact.State.DONE, finished_at=at)
    Cluster.objects.filter(pk=on.pk).update(
        state=Cluster.State.CONNECTED,
        state_since=at,
        last_contact_at=at,
        inventoried_at=at,
        identity="uid-of-" + on.name,
    )
    on.refresh_from_db()
    return on
