"""Every write around entries. Approval lies above: who calls these has it in hand."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Team, User
from allowlist import generations
from allowlist.desired import Scope, Target, targets_in, targets_of
from allowlist.errors import InvalidEnd, NoFreePassport, NotInForce, SupersededRevision, UnknownEntry, UnknownNamespace
from allowlist.models import DesiredNamespace, Entry, EntryRevision
from allowlist.permissions import check_may_enrol
from allowlist.proposals import MAX_DAYS, Proposal
from clusters.models import EnforcementPoint, Namespace, Tier
from ledger.services import record
from policy.entries import new_passport

# The passport under which a new entry is rendered before it has one of its own; never given to an entry.
PREVIEW_PASSPORT = "SP-00000"
_PASSPORT_ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What an approval says of the revision that it lets through."""

    request_id: UUID | None
    requested_by: User
    approved_by: tuple[User, ...]
    approved_at: datetime
    effect_hash: str


@transaction.atomic
def create_revision(
    *,
    actor: User | None,
    team: Team,
    entry: Entry | None,
    kind: str,
    proposal: Proposal,
    request_id: UUID | None,
    requested_by: User,
    approved_by: Iterable[User],
    approved_at: datetime,
    effect_hash: str,
) -> EntryRevision:
    """Write an approved revision and let non-production want it; production waits for its promotion.

    ``kind`` is ``EntryRevision.Kind``; without an entry a new one gets its passport here. Namespaces in scope that
    were not enrolled are enrolled with it. The targets are locked before the ledger is, so call ``hold_targets``
    first where the caller records something itself.
    """
    approved = Approved(
        request_id=request_id,
        requested_by=requested_by,
        approved_by=tuple(approved_by),
        approved_at=approved_at,
        effect_hash=effect_hash,
    )
    owned = lock_entry(entry.pk) if entry is not None else Entry.objects.create(team=team, passport=_free_passport())
    before = owned.in_non_production
    revision = _write_revision(owned, kind=kind, proposal=proposal, approved=approved)
    owned.in_non_production = revision
    owned.save(update_fields=["in_non_production"])
    rows = _bump(before, revision, tier=Tier.NON_PRODUCTION, at=approved_at)
    _record_revision("entry.revision-approved", actor=actor, revision=revision, rows=rows)
    return revision


@transaction.atomic
def promote_revision(*, actor: User | None, revision_id: UUID, at: datetime | None = None) -> Entry:
    """Let production want the revision that non-production carries; a superseded one may not."""
    at = at or timezone.now()
    revision = EntryRevision.objects.select_related("entry__team").get(pk=revision_id)
    entry = lock_entry(revision.entry_id)
    if entry.in_non_production_id != revision.pk:
        raise SupersededRevision(f"{revision} was superseded by {entry.latest}.")
    if entry.in_production_id == revision.pk:
        return entry
    before = entry.in_production
    entry.in_production = revision
    entry.save(update_fields=["in_production"])
    EntryRevision.objects.filter(pk=revision.pk).update(promoted_at=at)
    rows = _bump(before, revision, tier=Tier.PRODUCTION, at=at)
    _record_revision("entry.revision-promoted", actor=actor, revision=revision, rows=rows)
    return entry


@transaction.atomic
def extend_entry(
    *, actor: User, entry_id: UUID, expires_at: datetime, note: str = "", at: datetime | None = None
) -> Entry:
    """Move the end of the entry and nothing else, in each tier of what that tier carries now."""
    at = at or timezone.now()
    if not at < expires_at <= at + timedelta(days=MAX_DAYS + 1):
        raise InvalidEnd(f"The new end must lie in the future and at most {MAX_DAYS} days away.")
    entry = lock_entry(entry_id)
    if not entry.is_in_force(at):
        raise NotInForce(f"{entry.passport} is not in force; ask for it anew.")
    before, former_end = {tier: entry.carried_in(tier) for tier in Tier.values}, entry.latest.expires_at
    _extend_tiers(entry, actor=actor, expires_at=expires_at, at=at)
    rows = [row for tier in Tier.values for row in _bump(before[tier], entry.carried_in(tier), tier=tier, at=at)]
    record(
        "entry.extended",
        actor=actor,
        subject=entry,
        from_end=former_end,
        to_end=expires_at,
        note=note,
        targets=len(rows),
    )
    return entry


@transaction.atomic
def enrol_namespace(*, actor: User, namespace_id: UUID, at: datetime | None = None) -> list[DesiredNamespace]:
    """Put a namespace under the standard template (default deny and DNS) at every enforcement point of its cluster."""
    at = at or timezone.now()
    check_may_enrol(actor)
    namespace = Namespace.objects.present().select_related("cluster__environment").filter(pk=namespace_id).first()
    if namespace is None:
        raise UnknownNamespace("There is no such namespace.")
    points = EnforcementPoint.objects.filter(cluster=namespace.cluster).select_related("cluster__environment")
    known = set(namespace.desired.values_list("enforcement_point_id", flat=True))
    targets = [Target(point, namespace) for point in points if point.pk not in known]
    if not targets:
        return []
    rows = generations.bump(targets, at=at, reason="enrolled")
    record(
        "namespace.enrolled",
        actor=actor,
        subject=namespace,
        cluster=namespace.cluster.name,
        points=[str(target.enforcement_point) for target in targets],
    )
    return rows


@transaction.atomic
def bump_expired(at: datetime | None = None) -> int:
    """Notice what changed by itself (ends, scopes, dialects) and give the targets concerned their next generation."""
    changed = generations.bump_changed(at=at or timezone.now())
    for row in changed:
        record(
            "namespace.desired-changed",
            actor=None,
            subject=row,
            generation=row.generation,
            reason=row.reason,
            team_id=row.namespace.team_id,
        )
    return len(changed)


def hold_targets(*, entry: Entry | None, proposal: Proposal, team_id: UUID, at: datetime) -> None:
    """Lock what ``create_revision`` will change; for callers that write into the ledger before they call it."""
    if entry is not None:
        entry = lock_entry(entry.pk)
    scope = Scope.of_proposal(proposal, team_id=team_id)
    targets = targets_in(scope, tier=Tier.NON_PRODUCTION)
    if entry is not None and entry.in_non_production is not None:
        targets += targets_of(entry.in_non_production, tier=Tier.NON_PRODUCTION)
    generations.hold(targets, at=at, reason="held")


def lock_entry(entry_id: UUID) -> Entry:
    """The entry with what both tiers carry, locked until the transaction ends."""
    entry = (
        Entry.objects.select_for_update(no_key=True, of=("self",))
        .select_related("team", "in_non_production", "in_production")
        .filter(pk=entry_id)
        .first()
    )
    if entry is None:
        raise UnknownEntry("There is no such entry.")
    for revision in (entry.in_non_production, entry.in_production):
        if revision is not None:
            revision.entry = entry
    return entry


def _extend_tiers(entry: Entry, *, actor: User, expires_at: datetime, at: datetime) -> None:
    """Production first, so that the newest revision is always the one in non-production."""
    production, newest = entry.in_production, entry.latest
    if production is not None and production.pk != newest.pk and production.is_in_force(at):
        entry.in_production = _extension(production, actor=actor, expires_at=expires_at, at=at, promoted_at=at)
    if newest.is_in_force(at):
        same = production is not None and production.pk == newest.pk
        entry.in_non_production = _extension(
            newest, actor=actor, expires_at=expires_at, at=at, promoted_at=at if same else None
        )
        if same:
            entry.in_production = entry.in_non_production
    entry.save(update_fields=["in_non_production", "in_production"])


def _extension(
    revision: EntryRevision, *, actor: User, expires_at: datetime, at: datetime, promoted_at: datetime | None
) -> EntryRevision:
    approved = Approved(
        request_id=None,
        requested_by=actor,
        approved_by=tuple(revision.approved_by.all()),
        approved_at=at,
        effect_hash=revision.effect_hash,
    )
    return _write_revision(
        revision.entry,
        kind=EntryRevision.Kind.GRANT,
        proposal=Proposal.of_revision(revision, expires_at=expires_at),
        approved=approved,
        promoted_at=promoted_at,
    )


def _write_revision(
    entry: Entry, *, kind: str, proposal: Proposal, approved: Approved, promoted_at: datetime | None = None
) -> EntryRevision:
    columns = proposal.columns()
    if kind == EntryRevision.Kind.REVOCATION:
        # A tombstone keeps what the entry said; only its end may have passed already.
        columns["expires_at"] = max(proposal.expires_at, approved.approved_at + timedelta(seconds=1))
    revision = EntryRevision.objects.create(
        entry=entry,
        number=_next_number(entry),
        kind=kind,
        **columns,
        effect_hash=approved.effect_hash,
        request_id=approved.request_id,
        requested_by=approved.requested_by,
        approved_at=approved.approved_at,
        promoted_at=promoted_at,
    )
    revision.approved_by.set(approved.approved_by)
    return revision


def _next_number(entry: Entry) -> int:
    """One more than the last; the entry's lock is held, so nobody takes the same."""
    last = EntryRevision.objects.filter(entry=entry).order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1


def _bump(
    before: EntryRevision | None, after: EntryRevision | None, *, tier: str, at: datetime
) -> list[DesiredNamespace]:
    """Bump where the tier carried the one or carries the other; a place in neither learns nothing."""
    revisions = [revision for revision in (before, after) if revision is not None]
    targets = [target for revision in revisions for target in targets_of(revision, tier=tier)]
    if not targets:
        return []
    return generations.bump(targets, at=at, reason=str(after or before))


def _record_revision(action: str, *, actor: User | None, revision: EntryRevision, rows: list[DesiredNamespace]) -> None:
    record(
        action,
        actor=actor,
        subject=revision.entry,
        revision=revision.number,
        kind=revision.kind,
        destination=revision.destination,
        ports=revision.ports,
        namespaces=revision.namespaces,
        expires_at=revision.expires_at,
        effect_hash=revision.effect_hash,
        request=revision.request_id,
        generations={str(row.pk): row.generation for row in rows},
        enrolled=sum(row.generation == 1 for row in rows),
    )


def _free_passport() -> str:
    for _attempt in range(_PASSPORT_ATTEMPTS):
        passport = new_passport(secrets.token_bytes(4))
        if passport != PREVIEW_PASSPORT and not Entry.objects.filter(passport=passport).exists():
            return passport
    raise NoFreePassport("No free passport was found; try again.")
