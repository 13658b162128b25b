"""How far each target of a rollout has come, told from what was published there."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from allowlist.models import EntryRevision
from rollouts.models import Bundle, NamespacePush, Rollout, RolloutTarget

State = RolloutTarget.State
OPEN = (State.WAITING, State.WRITTEN, State.FAILED)


def open_targets(
    *, enforcement_point_id: uuid.UUID, namespace_id: uuid.UUID, generation: int
) -> QuerySet[RolloutTarget]:
    """Targets of rollouts under way that this generation of the namespace must settle."""
    return RolloutTarget.objects.filter(
        enforcement_point_id=enforcement_point_id,
        namespace_id=namespace_id,
        state__in=OPEN,
        generation__lte=generation,
        rollout__in=Rollout.objects.under_way().values("pk"),
    ).select_related("rollout__revision__entry")


def settle(bundle: Bundle, *, at: datetime) -> None:
    """Record what the published and read back bundle means for every target that waited for it. Safe to repeat."""
    waiting = open_targets(
        enforcement_point_id=bundle.enforcement_point_id,
        namespace_id=bundle.namespace_id,
        generation=bundle.generation,
    )
    for target in waiting.select_for_update(of=("self",)):
        judge(target, bundle=bundle, at=at)
        target.save()


def judge(target: RolloutTarget, *, bundle: Bundle, at: datetime) -> None:
    """Set the target's state from the bundle that was read back; nothing is saved."""
    revision = target.rollout.revision
    target.bundle_hash = bundle.hash
    target.rendered_at = target.rendered_at or bundle.compiled_at
    target.written_at = target.written_at or at
    target.state, target.reason = _verdict(revision, bundle=bundle)
    if target.state == State.VERIFIED:
        target.verified_at = at


def _verdict(revision: EntryRevision, *, bundle: Bundle) -> tuple[str, str]:
    """A grant is verified where its rule was read back, a revocation where the rule was not there any more."""
    passport = revision.entry.passport
    carried = passport in bundle.passports
    if revision.kind == EntryRevision.Kind.REVOCATION:
        return (State.FAILED, "The rule is still there.") if carried else (State.VERIFIED, "The rule is gone.")
    if carried:
        return State.VERIFIED, ""
    if passport in bundle.fidelity:
        return State.IMPOSSIBLE, str(bundle.fidelity[passport]["reason"])[:500]
    return State.FAILED, "The entry was no longer in force when the bundle was compiled."


def mark_written(bundle: Bundle, *, at: datetime) -> None:
    """The writes are done; whether they hold is known only after reading back."""
    open_targets(
        enforcement_point_id=bundle.enforcement_point_id,
        namespace_id=bundle.namespace_id,
        generation=bundle.generation,
    ).filter(state__in=[State.WAITING, State.FAILED]).update(
        state=State.WRITTEN, reason="", rendered_at=bundle.compiled_at, written_at=at
    )


def mark_failed(push: NamespacePush, *, generation: int, reason: str) -> None:
    open_targets(
        enforcement_point_id=push.enforcement_point_id, namespace_id=push.namespace_id, generation=generation
    ).update(state=State.FAILED, reason=reason[:500])
