"""For which hours a log can be believed. An hour counts as covered when every source that existed all through it
delivered something of it, and none of them said that records were lost."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from flows.models import CoverageGap, DeliveredHour, FlowSource

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many complete hours a window has, and how many of them every cluster's log covers."""

    hours: int = 0
    covered: int = 0

    @property
    def is_complete(self) -> bool:
        """Only then does silence mean that nothing happened."""
        return self.hours > 0 and self.covered == self.hours

    @property
    def share(self) -> float:
        return self.covered / self.hours if self.hours else 0.0

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 is said of nothing less."""
        return int(self.share * 100)


@dataclass(frozen=True, slots=True)
class CoveredHours:
    """The covered hours of several clusters within one window."""

    first: int
    end: int
    by_cluster: dict[uuid.UUID, frozenset[int]]

    def over(self, cluster_ids: Collection[uuid.UUID], *, since: datetime) -> Coverage:
        """Coverage from ``since`` on, where all of the clusters must be covered; of no cluster, nothing is known."""
        first = max(self.first, _next_hour(since))
        if not cluster_ids or first >= self.end:
            return Coverage()
        common = frozenset.intersection(*(self.by_cluster.get(one, frozenset()) for one in cluster_ids))
        return Coverage(hours=self.end - first, covered=sum(1 for hour in common if first <= hour < self.end))


def covered_hours(cluster_ids: Iterable[uuid.UUID], *, since: datetime, until: datetime) -> CoveredHours:
    """The covered hours of each cluster among the complete hours of the window; three queries."""
    wanted = set(cluster_ids)
    first, end = _next_hour(since), _hour(until)
    delivered: dict[uuid.UUID, set[int]] = {}
    window = DeliveredHour.objects.filter(source__cluster__in=wanted, hour__gte=since, hour__lt=until)
    for source_id, hour in window.values_list("source_id", "hour"):
        delivered.setdefault(source_id, set()).add(_hour(hour))
    believed: dict[uuid.UUID, set[int]] = {one: set() for one in wanted}
    doubted = _lost_hours(wanted, since=since, until=until)
    for source in FlowSource.objects.filter(cluster__in=wanted):
        lived = _lifetime(source, first, end)
        told = delivered.get(source.pk, set())
        believed[source.cluster_id].update(hour for hour in told if hour in lived)
        doubted.setdefault(source.cluster_id, set()).update(hour for hour in lived if hour not in told)
    return CoveredHours(
        first, end, {one: frozenset(hours - doubted.get(one, set())) for one, hours in believed.items()}
    )


def _lifetime(source: FlowSource, first: int, end: int) -> range:
    """The hours of the window all through which the source existed."""
    stop = min(end, _hour(source.revoked_at)) if source.revoked_at else end
    return range(max(first, _next_hour(source.created_at)), stop)


def _lost_hours(cluster_ids: set[uuid.UUID], *, since: datetime, until: datetime) -> dict[uuid.UUID, set[int]]:
    lost: dict[uuid.UUID, set[int]] = {}
    gaps = CoverageGap.objects.filter(cluster__in=cluster_ids, ended_at__gte=since, started_at__lt=until)
    for cluster_id, started_at, ended_at in gaps.values_list("cluster_id", "started_at", "ended_at"):
        start, stop = max(_hour(started_at), _hour(since)), min(_hour(ended_at), _hour(until))
        lost.setdefault(cluster_id, set()).update(range(start, stop + 1))
    return lost


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // _HOUR


def _next_hour(at: datetime) -> int:
    """The first hour that begins at or after the instant."""
    return -(-int(-(-at.timestamp() // 1)) // _HOUR)
