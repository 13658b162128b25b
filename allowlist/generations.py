"""Generations: the only way in which a target learns that something else is wanted of it now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from allowlist.desired import Target, desired_for_many, enrolled_targets, fingerprint_of
from allowlist.models import DesiredNamespace, EntryRevision
from notifications.wakeups import wake

PUSH_TASK = "rollouts.tasks.push_due"

Held = dict[tuple[UUID, UUID], DesiredNamespace]


def hold(targets: Iterable[Target], *, at: datetime, reason: str) -> Held:
    """Lock the rows of the targets in one fixed order, enrolling those that have none.

    Call it before anything is recorded in the ledger within the transaction: the ledger's lock comes last.
    """
    wanted = {target.key: target for target in targets}
    rows = [
        DesiredNamespace(
            enforcement_point=target.enforcement_point,
            namespace=target.namespace,
            generation=0,
            changed_at=at,
            reason=reason[:200],
        )
        for _, target in sorted(wanted.items())
    ]
    DesiredNamespace.objects.bulk_create(rows, ignore_conflicts=True)
    return _lock(wanted)


def _lock(wanted: dict[tuple[UUID, UUID], Target]) -> Held:
    rows = (
        DesiredNamespace.objects.filter(
            enforcement_point__in={point for point, _ in wanted}, namespace__in={namespace for _, namespace in wanted}
        )
        .select_related("namespace__cluster")
        .select_for_update(no_key=True, of=("self",))
        .order_by("enforcement_point_id", "namespace_id")
    )
    found = {(row.enforcement_point_id, row.namespace_id): row for row in rows}
    return {key: row for key, row in found.items() if key in wanted}


def bump(targets: Iterable[Target], *, at: datetime, reason: str) -> list[DesiredNamespace]:
    """Give every target its next generation, enrolling where needed, and wake the pusher after the commit."""
    wanted = {target.key: target for target in targets}
    held = hold(wanted.values(), at=at, reason=reason)
    desired = desired_for_many(wanted.values(), at=at)
    for key, row in held.items():
        _advance(row, target=wanted[key], revisions=desired[key], at=at, reason=reason)
    _save(held.values())
    return list(held.values())


def bump_changed(*, at: datetime) -> list[DesiredNamespace]:
    """Give a new generation to enrolled targets that want something else now, whatever changed below the entries.

    An entry ended, a cluster got other labels, a namespace another team, an enforcement point another dialect.
    """
    targets = {target.key: target for target in enrolled_targets()}
    suspects = _changed(targets, desired_for_many(targets.values(), at=at))
    if not suspects:
        return []
    held = _lock({key: targets[key] for key in suspects})
    desired = desired_for_many([targets[key] for key in held], at=at)
    changed = []
    for key, row in held.items():
        if row.fingerprint != fingerprint_of(targets[key], desired[key]):
            _advance(row, target=targets[key], revisions=desired[key], at=at, reason=_reason(row, at))
            changed.append(row)
    _save(changed)
    return changed


def _changed(
    targets: dict[tuple[UUID, UUID], Target], desired: dict[tuple[UUID, UUID], list[EntryRevision]]
) -> list[tuple[UUID, UUID]]:
    noted = DesiredNamespace.objects.values_list("enforcement_point_id", "namespace_id", "fingerprint")
    return [
        (point, namespace)
        for point, namespace, fingerprint in noted
        if (point, namespace) in targets
        and fingerprint != fingerprint_of(targets[point, namespace], desired[point, namespace])
    ]


def _reason(row: DesiredNamespace, at: datetime) -> str:
    if row.next_expiry_at is not None and row.next_expiry_at <= at:
        return "an entry ended"
    return "the cluster, its scope or its namespaces changed"


def _advance(
    row: DesiredNamespace, *, target: Target, revisions: list[EntryRevision], at: datetime, reason: str
) -> None:
    row.generation += 1
    row.changed_at = at
    row.reason = reason[:200]
    row.fingerprint = fingerprint_of(target, revisions)
    row.next_expiry_at = min((revision.expires_at for revision in revisions), default=None)


def _save(rows: Iterable[DesiredNamespace]) -> None:
    changed = list(rows)
    if not changed:
        return
    DesiredNamespace.objects.bulk_update(
        changed, ["generation", "changed_at", "reason", "fingerprint", "next_expiry_at"], batch_size=500
    )
    wake(PUSH_TASK)
