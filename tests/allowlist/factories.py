"""A small fleet for tests: clusters of two tiers with namespaces, and proposals that fit them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Team, User
from allowlist.models import Entry, EntryRevision
from allowlist.proposals import Proposal
from allowlist.services import create_revision, promote_revision
from clusters.models import Cluster, EnforcementPoint, Environment, Namespace, Tier
from policy.destinations import parse_destination
from policy.ports import parse_ports
from policy.selectors import parse_selector
from tests.factories import administrator, person

EFFECT = "e" * 64


def environment(slug: str, *, tier: str) -> Environment:
    found, _ = Environment.objects.get_or_create(
        slug=slug, defaults={"name": slug.title(), "tier": tier, "position": 10 if tier == Tier.PRODUCTION else 1}
    )
    return found


def cluster(
    name: str, *, tier: str = Tier.NON_PRODUCTION, owner: Team, dialect: str = "cilium", **fields: Any
) -> Cluster:
    slug = fields.pop("environment", "production" if tier == Tier.PRODUCTION else "staging")
    made = Cluster.objects.create(
        name=name,
        environment=environment(slug, tier=tier),
        owner_team=owner,
        server=f"https://{name}.example.com:6443",
        ca_certificate="",
        registered_by=administrator(),
        **fields,
    )
    EnforcementPoint.objects.create(
        cluster=made, dialect=dialect, dialect_version="1.18.0" if dialect == "cilium" else "", found_at=timezone.now()
    )
    return made


def namespace(on: Cluster, name: str, *, of: Team | None) -> Namespace:
    return Namespace.objects.create(cluster=on, name=name, uid=f"{on.name}-{name}", team=of)


def fleet(of: Team, *, names: tuple[str, ...] = ("payments",)) -> dict[str, Cluster]:
    """One cluster per tier that speaks Cilium, with the team's namespaces on both."""
    made = {
        Tier.NON_PRODUCTION: cluster("stage-1", owner=of),
        Tier.PRODUCTION: cluster("prod-1", tier=Tier.PRODUCTION, owner=of),
    }
    for one in made.values():
        for name in names:
            namespace(one, name, of=of)
    return made


def proposal(destination: str = "api.example.com", *, at: datetime | None = None, **fields: Any) -> Proposal:
    start = at or timezone.now()
    base = Proposal(
        destination=parse_destination(destination),
        ports=parse_ports(fields.pop("ports", "443/tcp")),
        namespaces=tuple(fields.pop("namespaces", ("payments",))),
        justification="The payment provider's API, as agreed.",
        expires_at=start + timedelta(days=fields.pop("days", 90)),
        workload=parse_selector(fields.pop("workload", "")),
        cluster_labels=parse_selector(fields.pop("cluster_labels", "")),
    )
    return replace(base, **fields)


def revision(
    of: Team,
    what: Proposal | None = None,
    *,
    entry: Entry | None = None,
    kind: str = EntryRevision.Kind.GRANT,
    at: datetime | None = None,
    requester: User | None = None,
) -> EntryRevision:
    """An approved revision as the workflow hands it over."""
    return create_revision(
        actor=requester,
        team=of,
        entry=entry,
        kind=kind,
        proposal=what or proposal(at=at),
        request_id=None,
        requested_by=requester or person(),
        approved_by=[person()],
        approved_at=at or timezone.now(),
        effect_hash=EFFECT,
    )


def entry_in_force(of: Team, what: Proposal | None = None, *, at: datetime | None = None) -> Entry:
    """An entry that both tiers carry."""
    made = revision(of, what, at=at)
    return promote_revision(actor=None, revision_id=made.pk, at=at)
