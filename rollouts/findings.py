"""Drift findings as rows: open once per object, closed when the difference is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse

from accounts.models import Role, User
from ledger.services import record
from notifications.services import notify
from rollouts.models import DriftFinding, NamespacePush
from rollouts.objects import Object, ObjectKey

if TYPE_CHECKING:
    from rollouts.comparison import Finding

COMPARABLE = (NamespacePush.State.IDLE, NamespacePush.State.HELD)
# A side larger than this is kept as its size only: a row is no place for a megabyte of somebody's policy.
MAX_SIDE_BYTES = 300_000


def bring_up_to_date(
    push: NamespacePush, found: Sequence[Finding], *, approved: Mapping[ObjectKey, Object], at: datetime
) -> None:
    """Open, refresh and close findings so that the open ones are exactly the differences found; in a transaction."""
    open_rows = {
        ObjectKey(row.api_version, row.kind, row.name): row
        for row in DriftFinding.objects.open()
        .filter(enforcement_point_id=push.enforcement_point_id, namespace_id=push.namespace_id)
        .select_for_update(of=("self",))
    }
    new = []
    for one in found:
        row = open_rows.pop(one.key, None)
        is_new = row is None
        row = row or _opened(push, one, at=at)
        _refresh(row, one, approved=approved.get(one.key), at=at)
        row.save()
        if is_new:
            new.append(row)
    for row in open_rows.values():
        row.resolution, row.resolved_at = DriftFinding.Resolution.GONE, at
        row.save(update_fields=["resolution", "resolved_at"])
    # The ledger's lock comes after all others.
    for row in new:
        _tell(push, row, "drift.found", reason=row.reason, changed_by=row.changed_by)
        _alarm(push, row)
    for row in open_rows.values():
        _tell(push, row, "drift.gone")


def _opened(push: NamespacePush, one: Finding, *, at: datetime) -> DriftFinding:
    return DriftFinding(
        enforcement_point_id=push.enforcement_point_id,
        namespace_id=push.namespace_id,
        api_version=one.key.api_version,
        kind=one.key.kind,
        name=one.key.name,
        found_at=at,
    )


def _refresh(row: DriftFinding, one: Finding, *, approved: Object | None, at: datetime) -> None:
    row.difference, row.reason, row.fields = one.difference, one.reason[:1000], one.fields
    row.approved, row.published, row.live = _bounded(approved), _bounded(one.published), _bounded(one.live)
    row.changed_by = one.change.manager[:200] if one.change else ""
    row.changed_at = one.change.at if one.change else None
    row.seen_at = at


def _bounded(side: Object | None) -> Object | None:
    if side is None:
        return None
    size = len(json.dumps(side))
    if size <= MAX_SIDE_BYTES:
        return side
    metadata = {"name": side["metadata"].get("name"), "uid": side["metadata"].get("uid", "")}
    return {**{key: side[key] for key in ("apiVersion", "kind")}, "metadata": metadata, "left out": f"{size} bytes"}


def _tell(push: NamespacePush, row: DriftFinding, action: str, **details: object) -> None:
    record(
        action,
        actor=None,
        subject=row,
        team_id=push.namespace.team_id,
        cluster=push.namespace.cluster.name,
        namespace=push.namespace.name,
        difference=row.difference,
        object=f"{row.kind}/{row.name}",
        **details,
    )


def _alarm(push: NamespacePush, row: DriftFinding) -> None:
    notify(
        recipients=User.objects.in_role(Role.PLATFORM_ENGINEER),
        topic="drift",
        subject=f"{push.namespace}: {row.get_difference_display()}"[:200],
        body=row.reason,
        link=reverse("rollouts:drift", args=[row.pk]),
        deduplication_key=f"drift:{row.pk}",
    )
