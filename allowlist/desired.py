"""What each namespace should carry: which revisions, where a revision belongs, and the bundle that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from allowlist.models import Entry, EntryRevision
from allowlist.proposals import Proposal
from clusters.models import Cluster, EnforcementPoint, Namespace
from policy.bundles import Bundle, canonical_json, sha256
from policy.compilation import compile_namespace
from policy.entries import PolicyEntry
from policy.template import TEMPLATE_V1, Template, template

TEMPLATE_VERSION = TEMPLATE_V1.version


class Target(NamedTuple):
    """One namespace at one enforcement point."""

    enforcement_point: EnforcementPoint
    namespace: Namespace

    @property
    def cluster(self) -> Cluster:
        return self.enforcement_point.cluster

    @property
    def tier(self) -> str:
        return self.cluster.environment.tier

    @property
    def key(self) -> tuple[UUID, UUID]:
        return (self.enforcement_point.pk, self.namespace.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where an entry belongs: namespaces of these names that the team answers for, on the clusters chosen."""

    team_id: UUID
    environments: tuple[str, ...]
    cluster_labels: Mapping[str, str]
    namespaces: tuple[str, ...]

    @classmethod
    def of_revision(cls, revision: EntryRevision) -> Scope:
        return cls(
            team_id=revision.entry.team_id,
            environments=tuple(revision.environments),
            cluster_labels=revision.cluster_labels,
            namespaces=tuple(revision.namespaces),
        )

    @classmethod
    def of_proposal(cls, proposal: Proposal, *, team_id: UUID) -> Scope:
        return cls(
            team_id=team_id,
            environments=proposal.environments,
            cluster_labels=proposal.cluster_labels.as_labels(),
            namespaces=proposal.namespaces,
        )

    def takes(self, target: Target) -> bool:
        """Whether the target lies inside; another team's namespace of the same name never does."""
        return (
            target.namespace.team_id == self.team_id
            and target.namespace.name in self.namespaces
            and (not self.environments or target.cluster.environment.slug in self.environments)
            and all(target.cluster.labels.get(key) == value for key, value in self.cluster_labels.items())
        )


def targets_in(scope: Scope, *, tier: str | None = None) -> list[Target]:
    """Every target inside the scope, in the order of the fleet; a constant number of queries."""
    clusters = Cluster.objects.in_scope(environments=list(scope.environments), labels=dict(scope.cluster_labels))
    if tier is not None:
        clusters = clusters.filter(environment__tier=tier)
    points = EnforcementPoint.objects.filter(cluster__in=clusters.values("pk"))
    namespaces = Namespace.objects.present().filter(team_id=scope.team_id, name__in=scope.namespaces)
    return _joined(points, namespaces)


def targets_of(revision: EntryRevision, *, tier: str | None = None) -> list[Target]:
    """Where the revision belongs as the fleet is now."""
    return targets_in(Scope.of_revision(revision), tier=tier)


def _joined(points: QuerySet[EnforcementPoint], namespaces: QuerySet[Namespace]) -> list[Target]:
    known = {
        point.cluster_id: point
        for point in points.select_related("cluster__environment").filter(layer=EnforcementPoint.Layer.CLUSTER)
    }
    found = [
        Target(known[namespace.cluster_id], namespace)
        for namespace in namespaces.filter(cluster__in=list(known))
        if namespace.cluster_id in known
    ]
    return sorted(found, key=lambda one: (one.cluster.environment.position, one.cluster.name, one.namespace.name))


def desired_revisions(
    *, enforcement_point: EnforcementPoint, namespace: Namespace, at: datetime
) -> list[EntryRevision]:
    """The revisions in force at one target, in the order of their passports."""
    target = Target(enforcement_point, namespace)
    return desired_for_many([target], at=at)[target.key]


def desired_for_many(targets: Iterable[Target], *, at: datetime) -> dict[tuple[UUID, UUID], list[EntryRevision]]:
    """The revisions in force at each target, by its key; one query for all of them."""
    wanted = list(targets)
    teams = {target.namespace.team_id for target in wanted if target.namespace.team_id is not None}
    tiers = {target.tier for target in wanted}
    by_team: dict[tuple[UUID | None, str], list[EntryRevision]] = {}
    for entry in _entries_in_force(teams, tiers, at):
        for tier in tiers:
            revision = entry.carried_in(tier)
            if revision is not None and revision.is_in_force(at):
                revision.entry = entry
                by_team.setdefault((entry.team_id, tier), []).append(revision)
    return {target.key: _taken(by_team.get((target.namespace.team_id, target.tier), []), target) for target in wanted}


def _entries_in_force(teams: set[UUID], tiers: set[str], at: datetime) -> Iterable[Entry]:
    if not teams:
        return []
    entries = Entry.objects.filter(team__in=teams).order_by("passport")
    entries = entries.in_force(at) if len(tiers) > 1 else entries.in_force_in(next(iter(tiers)), at)
    return entries.select_related("in_non_production", "in_production")


def _taken(revisions: list[EntryRevision], target: Target) -> list[EntryRevision]:
    if target.namespace.gone_at is not None:
        return []
    return [revision for revision in revisions if Scope.of_revision(revision).takes(target)]


def compile_desired(
    *,
    enforcement_point: EnforcementPoint,
    namespace: Namespace,
    at: datetime,
    with_revision: EntryRevision | None = None,
    without_entry: Entry | None = None,
) -> Bundle:
    """The bundle that the target should carry at ``at``, or would carry with one revision more or one entry less."""
    entries = {one.passport: one for one in policies_of(_desired(enforcement_point, namespace, at))}
    if without_entry is not None:
        entries.pop(without_entry.passport, None)
    if with_revision is not None:
        entries.pop(with_revision.entry.passport, None)
        if with_revision.kind == EntryRevision.Kind.GRANT:
            entries[with_revision.entry.passport] = with_revision.as_policy()
    return compile_target(Target(enforcement_point, namespace), entries.values(), at=at)


def _desired(enforcement_point: EnforcementPoint, namespace: Namespace, at: datetime) -> list[EntryRevision]:
    return desired_revisions(enforcement_point=enforcement_point, namespace=namespace, at=at)


def policies_of(revisions: Iterable[EntryRevision]) -> list[PolicyEntry]:
    return [revision.as_policy() for revision in revisions]


def compile_target(target: Target, entries: Iterable[PolicyEntry], *, at: datetime) -> Bundle:
    """The bundle of the target with exactly these entries."""
    return compile_namespace(
        capabilities=target.enforcement_point.capabilities,
        template=template_of(target.cluster),
        namespace=target.namespace.name,
        entries=entries,
        at=at,
    )


def template_of(cluster: Cluster) -> Template:
    """The standard template with the cluster's way to its DNS."""
    return template(TEMPLATE_VERSION, dns=cluster.dns_allowance)


def fingerprint_of(target: Target, revisions: Iterable[EntryRevision]) -> str:
    """A hash of everything that decides the target's bundle, so that a change from below is noticed."""
    point = target.enforcement_point
    content = {
        "dialect": point.dialect,
        "dialect_version": point.dialect_version,
        "dns": target.cluster.dns,
        "revisions": sorted(str(revision.pk) for revision in revisions),
        "template": TEMPLATE_VERSION,
    }
    return sha256(canonical_json(content))


def enrolled_targets() -> list[Target]:
    """Every target that has a generation, on clusters in service."""
    points = (
        EnforcementPoint.objects.in_service()
        .select_related("cluster__environment")
        .prefetch_related(Prefetch("desired", to_attr="enrolled"))
    )
    names = Namespace.objects.present().filter(desired__isnull=False).distinct().in_bulk()
    found = [
        Target(point, names[row.namespace_id])
        for point in points
        for row in point.enrolled
        if row.namespace_id in names
    ]
    return sorted(found, key=lambda one: (str(one.enforcement_point.pk), str(one.namespace.pk)))
