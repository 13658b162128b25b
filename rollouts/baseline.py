"""The baseline of each namespace: default deny, DNS, a log of flows. What is not known is said to be not known."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _

from flows.models import FlowSource
from rollouts.models import DriftFinding, NamespacePush

Standing = Literal["in-force", "missing", "unknown"]
# A log that has been silent for longer covers nothing now.
LOG_SILENCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the baseline: whether it holds, since when, and why we say so."""

    name: str
    standing: Standing
    since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Standpoint:
    """A namespace at one enforcement point: its baseline, its drift, and how fresh both are."""

    push: NamespacePush
    parts: tuple[Part, ...]
    drift_count: int
    accepted_count: int
    is_known: bool


def is_fresh(push: NamespacePush, at: datetime) -> bool:
    """Whether the last comparison is recent enough to say anything about now."""
    limit = at - timedelta(seconds=settings.UNKNOWN_AFTER_SECONDS)
    return push.compared_at is not None and push.compared_at > limit


def standpoints(pushes: Iterable[NamespacePush], *, at: datetime) -> list[Standpoint]:
    """The standing of several namespaces in a constant number of queries; pushes come with their namespace."""
    rows = list(pushes)
    drift = _open_findings(rows)
    logs = _newest_flows({row.namespace.cluster_id for row in rows})
    return [
        _standpoint(row, drift=drift.get(_key(row), []), newest=logs.get(row.namespace.cluster_id), at=at)
        for row in rows
    ]


def _key(row: NamespacePush | DriftFinding) -> tuple[uuid.UUID, uuid.UUID]:
    return row.enforcement_point_id, row.namespace_id


def _open_findings(rows: list[NamespacePush]) -> dict[tuple[uuid.UUID, uuid.UUID], list[DriftFinding]]:
    found: dict[tuple[uuid.UUID, uuid.UUID], list[DriftFinding]] = {}
    findings = DriftFinding.objects.open().filter(namespace__in={row.namespace_id for row in rows})
    for finding in findings.only("enforcement_point_id", "namespace_id", "accepted_until"):
        found.setdefault(_key(finding), []).append(finding)
    return found


def _newest_flows(clusters: set[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    newest = FlowSource.objects.active().filter(cluster__in=clusters).values_list("cluster")
    return {cluster: seen for cluster, seen in newest.annotate(seen=Max("newest_flow_at")) if seen}


def _standpoint(push: NamespacePush, *, drift: list[DriftFinding], newest: datetime | None, at: datetime) -> Standpoint:
    fresh = is_fresh(push, at)
    accepted = [one for one in drift if one.accepted_until is not None and one.accepted_until > at]
    parts = (
        _part(_("Default deny"), push.default_deny_since, fresh=fresh),
        _part(_("DNS allowed"), push.dns_allowed_since, fresh=fresh),
        _log_part(newest, at=at),
    )
    return Standpoint(push, parts, len(drift) - len(accepted), len(accepted), fresh)


def _part(name: str, since: datetime | None, *, fresh: bool) -> Part:
    if not fresh:
        return Part(name, "unknown", None, _("Not compared with the cluster lately."))
    if since is None:
        return Part(name, "missing", None, _("Not found on the cluster at the last comparison."))
    return Part(name, "in-force", since, _("Accepted by the API server and read back."))


def _log_part(newest: datetime | None, *, at: datetime) -> Part:
    name = _("Flow log")
    if newest is None:
        return Part(name, "missing", None, _("No source has sent flows of this cluster."))
    if newest < at - LOG_SILENCE:
        return Part(name, "unknown", None, _("The log has been silent for more than a day."))
    return Part(name, "in-force", newest, _("Flows of this cluster arrive."))
