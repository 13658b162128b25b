"""Whether entries are used, by whom and since when; and whether we could have seen it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import Max, Min, Sum
from django.utils import timezone

from allowlist.models import Entry, EntryRevision
from clusters.models import Cluster, Namespace, Tier
from flows.coverage import Coverage, covered_hours
from flows.joining import covers_cluster
from flows.models import EntryUsage

WINDOW = timedelta(days=90)
_MAX_CALLERS = 50


@dataclass(frozen=True, slots=True)
class Caller:
    """One workload that used an entry."""

    cluster: str
    namespace: str
    workload: str
    flow_count: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of one entry within a window. ``caller_count`` counts all of them, ``callers`` holds the latest."""

    since: datetime
    until: datetime
    coverage: Coverage = field(default_factory=Coverage)
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    flow_count: int = 0
    callers: tuple[Caller, ...] = ()
    caller_count: int = 0

    @property
    def verdict(self) -> Literal["used", "unused", "unknown"]:
        """Unused only where the log covered the whole window on every cluster that carries the entry."""
        if self.last_seen_at is not None:
            return "used"
        return "unused" if self.coverage.is_complete else "unknown"


def usage_of(
    entries: Iterable[Entry], *, since: datetime | None = None, at: datetime | None = None
) -> dict[uuid.UUID, Usage]:
    """The usage of each entry by its key; a constant number of queries, however many entries."""
    until = at or timezone.now()
    start = since or until - WINDOW
    wanted = list(entries)
    carried = _clusters_carrying(wanted, until)
    hours = covered_hours({one for found in carried.values() for one in found}, since=start, until=until)
    approved = _first_approvals(wanted)
    callers = _callers(wanted, since=start, until=until)
    found = {}
    for entry in wanted:
        begins = max(start, approved.get(entry.pk, start))
        found[entry.pk] = _summed(
            callers.get(entry.pk, []),
            since=begins,
            until=until,
            coverage=hours.over(carried[entry.pk], since=begins),
        )
    return found


def _summed(callers: list[Caller], *, since: datetime, until: datetime, coverage: Coverage) -> Usage:
    if not callers:
        return Usage(since, until, coverage)
    return Usage(
        since=since,
        until=until,
        coverage=coverage,
        first_seen_at=min(one.first_seen_at for one in callers),
        last_seen_at=max(one.last_seen_at for one in callers),
        flow_count=sum(one.flow_count for one in callers),
        callers=tuple(callers[:_MAX_CALLERS]),
        caller_count=len(callers),
    )


def _callers(entries: list[Entry], *, since: datetime, until: datetime) -> dict[uuid.UUID, list[Caller]]:
    """Callers of each entry, the latest first."""
    rows = (
        EntryUsage.objects.filter(entry__in=entries, last_seen_at__gte=since, first_seen_at__lte=until)
        .values_list("entry_id", "cluster__name", "namespace", "workload")
        .annotate(count=Sum("flow_count"), first=Min("first_seen_at"), last=Max("last_seen_at"))
        .order_by("-last", "cluster__name", "namespace", "workload")
    )
    found: dict[uuid.UUID, list[Caller]] = {}
    for entry_id, cluster, namespace, workload, count, first, last in rows:
        found.setdefault(entry_id, []).append(Caller(cluster, namespace, workload, count, first, last))
    return found


def _first_approvals(entries: list[Entry]) -> dict[uuid.UUID, datetime]:
    rows = EntryRevision.objects.filter(entry__in=entries).values_list("entry_id").annotate(first=Min("approved_at"))
    return dict(rows.order_by("entry_id"))


def _clusters_carrying(entries: list[Entry], at: datetime) -> dict[uuid.UUID, set[uuid.UUID]]:
    """On which clusters each entry is in force in some namespace; where it is not, its silence means nothing."""
    teams = {entry.team_id for entry in entries}
    owned: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = {}
    for team_id, cluster_id, name in (
        Namespace.objects.present().filter(team__in=teams).values_list("team_id", "cluster_id", "name")
    ):
        owned.setdefault(team_id, []).append((cluster_id, name))
    clusters = {one.pk: one for one in Cluster.objects.in_service().select_related("environment")}
    revisions = EntryRevision.objects.in_bulk(
        {key for entry in entries for key in (entry.in_production_id, entry.in_non_production_id) if key}
    )
    return {entry.pk: _carriers(entry, owned.get(entry.team_id, []), clusters, revisions, at) for entry in entries}


def _carriers(
    entry: Entry,
    owned: list[tuple[uuid.UUID, str]],
    clusters: Mapping[uuid.UUID, Cluster],
    revisions: Mapping[uuid.UUID, EntryRevision],
    at: datetime,
) -> set[uuid.UUID]:
    found = set()
    for cluster_id, namespace in owned:
        cluster = clusters.get(cluster_id)
        if cluster is None:
            continue
        is_production = cluster.environment.tier == Tier.PRODUCTION
        key = entry.in_production_id if is_production else entry.in_non_production_id
        revision = revisions.get(key) if key else None
        if revision is None or not revision.is_in_force(at) or namespace not in revision.namespaces:
            continue
        if covers_cluster(revision, cluster):
            found.add(cluster_id)
    return found
