"""Moving rollouts on: from what is approved to what is read back. Everything here is safe to repeat."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role, User
from allowlist.desired import targets_of
from allowlist.models import DesiredNamespace, EntryRevision
from allowlist.services import lock_entry
from clusters.models import Tier
from flows.models import EntryUsage
from ledger.services import record
from notifications.services import notify
from rollouts.models import NamespacePush, Rollout, RolloutTarget
from rollouts.states import next_state
from rollouts.targets import OPEN, judge

State = Rollout.State
TargetState = RolloutTarget.State
MAX_OBSERVED = 1000
SETTLED = (TargetState.VERIFIED, TargetState.IMPOSSIBLE)


def advance(at: datetime | None = None) -> int:
    """Start what has no rollout yet and move on what can move; returns how many rollouts changed."""
    at = at or timezone.now()
    changed = 0
    for revision_id in EntryRevision.objects.filter(rollout=None).order_by("approved_at").values_list("pk", flat=True):
        changed += start(revision_id, at=at)
    for rollout_id in _movable().values_list("pk", flat=True):
        changed += move(rollout_id, at=at)
    note_observed()
    return changed


def note_observed() -> int:
    """Note the first flow under what was read back: an API server accepts, only a flow shows that somebody enforces."""
    flows = EntryUsage.objects.filter(
        entry=OuterRef("rollout__revision__entry"),
        cluster=OuterRef("enforcement_point__cluster"),
        namespace=OuterRef("namespace__name"),
        last_seen_at__gte=OuterRef("verified_at"),
    ).order_by("last_seen_at")
    seen = Greatest(Subquery(flows.values("first_seen_at")[:1]), F("verified_at"))
    unseen = RolloutTarget.objects.filter(
        state=TargetState.VERIFIED, observed_at=None, rollout__revision__kind=EntryRevision.Kind.GRANT
    )
    found = list(unseen.filter(Exists(flows)).annotate(seen_at=seen).only("pk")[:MAX_OBSERVED])
    for target in found:
        target.observed_at = target.seen_at
    return RolloutTarget.objects.bulk_update(found, ["observed_at"])


def _movable() -> QuerySet[Rollout]:
    waits_for_nobody = Q(state__in=[State.NON_PRODUCTION, State.PRODUCTION])
    overtaken = ~Q(revision=F("revision__entry__in_non_production")) & ~Q(revision=F("revision__entry__in_production"))
    carried = Q(revision=F("revision__entry__in_non_production"), revision__kind=EntryRevision.Kind.GRANT)
    unpromoted = Q(state=State.COMPLETE, revision__promoted_at=None) & carried
    return Rollout.objects.filter(
        waits_for_nobody | (Q(state__in=[State.AWAITING_PROOF, State.PROVED]) & overtaken) | unpromoted
    ).order_by("started_at")


@transaction.atomic
def start(revision_id: uuid.UUID, *, at: datetime) -> bool:
    """Open the rollout of a revision, once; one that no tier carries any more is closed at birth."""
    revision = EntryRevision.objects.select_related("entry__team").get(pk=revision_id)
    lock_entry(revision.entry_id)
    if Rollout.objects.filter(revision=revision).exists():
        return False
    carried = is_carried(revision)
    state = State.NON_PRODUCTION if carried else State.SUPERSEDED
    if carried and revision.promoted_at is not None:
        state = State.PRODUCTION
    rollout = Rollout.objects.create(
        revision=revision, state=state, started_at=at, state_since=at, promoted_at=revision.promoted_at
    )
    if carried:
        ensure_targets(rollout)
    _tell(rollout, "rollout.started" if carried else "rollout.superseded")
    return True


@transaction.atomic
def move(rollout_id: uuid.UUID, *, at: datetime) -> bool:
    """Take the step that is due, if one is."""
    rollout = Rollout.objects.select_for_update(of=("self",)).select_related("revision__entry__team").get(pk=rollout_id)
    if rollout.state == State.SUPERSEDED:
        return False
    if not is_carried(rollout.revision):
        return rollout.state != State.COMPLETE and _enter(rollout, "supersede", at=at)
    ensure_targets(rollout)
    refresh_targets(rollout, at=at)
    if rollout.state == State.COMPLETE:
        return _has(rollout, Tier.PRODUCTION) and _enter(rollout, "reopen", at=at)
    action = _due_action(rollout)
    return action is not None and _enter(rollout, action, at=at)


def is_carried(revision: EntryRevision) -> bool:
    """Whether some tier still wants this very revision; a later one in both has superseded it."""
    entry = revision.entry
    return revision.pk in (entry.in_non_production_id, entry.in_production_id)


def _due_action(rollout: Rollout) -> str | None:
    targets = list(rollout.targets.all())
    proving = [target for target in targets if target.tier == Tier.NON_PRODUCTION]
    final = [target for target in targets if target.tier == Tier.PRODUCTION]
    if rollout.state == State.PRODUCTION:
        return "finish" if _all_settled(targets) else None
    if rollout.state != State.NON_PRODUCTION or not _all_settled(proving):
        return None
    if final:
        return "reach-non-production"
    is_revocation = rollout.revision.kind == EntryRevision.Kind.REVOCATION
    # A grant without any target in scope waits for one: nothing is in force yet.
    return "finish" if proving or is_revocation else None


def _all_settled(targets: list[RolloutTarget]) -> bool:
    return all(target.state in SETTLED for target in targets)


def _has(rollout: Rollout, tier: str) -> bool:
    return rollout.targets.filter(tier=tier).exists()


def ensure_targets(rollout: Rollout) -> None:
    """Add a row for each target in scope that has none; production ones wait for the promotion."""
    revision = rollout.revision
    wanted = [target for target in targets_of(revision) if target.tier in _tiers(rollout)]
    known = set(rollout.targets.values_list("enforcement_point_id", "namespace_id"))
    missing = [target for target in wanted if target.key not in known]
    if not missing:
        return
    generations = _generations([target.key for target in missing])
    RolloutTarget.objects.bulk_create(
        RolloutTarget(
            rollout=rollout,
            enforcement_point=target.enforcement_point,
            namespace=target.namespace,
            tier=target.tier,
            generation=generations.get(target.key, 1) if _is_wanted(rollout, target.tier) else None,
        )
        for target in missing
    )


def _tiers(rollout: Rollout) -> tuple[str, ...]:
    """Where the revision has to go: an extension of one tier stays there, a removal goes where something is."""
    revision, entry = rollout.revision, rollout.revision.entry
    if revision.pk != entry.in_non_production_id:
        return (Tier.PRODUCTION,)
    if revision.kind == EntryRevision.Kind.REVOCATION and entry.in_production_id is None:
        return (Tier.NON_PRODUCTION,)
    return (Tier.NON_PRODUCTION, Tier.PRODUCTION)


def _is_wanted(rollout: Rollout, tier: str) -> bool:
    return tier == Tier.NON_PRODUCTION or rollout.revision.entry.in_production_id == rollout.revision_id


def _generations(keys: list[tuple[uuid.UUID, uuid.UUID]]) -> dict[tuple[uuid.UUID, uuid.UUID], int]:
    rows = DesiredNamespace.objects.filter(
        enforcement_point__in={point for point, _ in keys}, namespace__in={namespace for _, namespace in keys}
    ).values_list("enforcement_point_id", "namespace_id", "generation")
    return {(point, namespace): generation for point, namespace, generation in rows}


def open_production(rollout: Rollout) -> None:
    """After the promotion: production targets must reach the generation that now carries the revision."""
    ensure_targets(rollout)
    waiting = list(rollout.targets.filter(tier=Tier.PRODUCTION, generation=None))
    generations = _generations([(target.enforcement_point_id, target.namespace_id) for target in waiting])
    for target in waiting:
        target.generation = generations.get((target.enforcement_point_id, target.namespace_id), 1)
    RolloutTarget.objects.bulk_update(waiting, ["generation"])


def refresh_targets(rollout: Rollout, *, at: datetime) -> None:
    """Settle targets whose generation was published without the push knowing of them, and those that are gone."""
    pending = list(
        rollout.targets.filter(state__in=OPEN)
        .select_for_update(of=("self",))
        .select_related("namespace", "enforcement_point__cluster")
    )
    pushes = NamespacePush.objects.filter(
        namespace__in={target.namespace_id for target in pending}, published__isnull=False
    ).select_related("published")
    published = {(push.enforcement_point_id, push.namespace_id): push.published for push in pushes}
    for target in pending:
        target.rollout = rollout
        bundle = published.get((target.enforcement_point_id, target.namespace_id))
        if target.namespace.gone_at is not None or target.enforcement_point.cluster.retired_at is not None:
            target.state, target.reason = TargetState.IMPOSSIBLE, "The namespace or its cluster is gone."
        elif bundle is None or target.generation is None or bundle.generation < target.generation:
            continue
        else:
            judge(target, bundle=bundle, at=at)
        target.save()


def _enter(rollout: Rollout, action: str, *, at: datetime) -> bool:
    rollout.state = next_state(action, rollout.state)
    rollout.state_since = at
    if rollout.state == State.COMPLETE:
        rollout.completed_at = at
    elif action == "reopen":
        rollout.completed_at = None
    rollout.save(update_fields=["state", "state_since", "completed_at"])
    _tell(rollout, f"rollout.{rollout.state}")
    if rollout.state == State.AWAITING_PROOF:
        _ask_for_proof(rollout)
    return True


def _tell(rollout: Rollout, action: str) -> None:
    revision = rollout.revision
    record(
        action,
        actor=None,
        subject=rollout,
        team_id=revision.entry.team_id,
        passport=revision.entry.passport,
        revision=revision.number,
        effect_hash=revision.effect_hash,
    )


def _ask_for_proof(rollout: Rollout) -> None:
    team = rollout.revision.entry.team
    leads = User.objects.people().filter(memberships__team=team, memberships__kind=Membership.Kind.LEAD)
    recipients = {*leads, *User.objects.in_role(Role.PLATFORM_ENGINEER)}
    notify(
        recipients=recipients,
        topic="proof",
        subject=f"{rollout.revision} is in non-production: does it work?",
        body="Look at it there and confirm what you saw, so that it can be promoted to production.",
        link=reverse("rollouts:detail", args=[rollout.pk]),
        deduplication_key=f"proof:{rollout.pk}",
    )
