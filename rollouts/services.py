"""What people decide about bundles on their way and about differences. Each call is one transaction."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from allowlist import generations
from allowlist.desired import Target
from allowlist.models import DesiredNamespace
from allowlist.services import promote_revision
from clusters.models import Cluster, EnforcementPoint, Namespace, Tier
from ledger.services import record
from notifications.wakeups import wake
from rollouts import progress
from rollouts.errors import InvalidEnd, NotOursToRevert, NotPossibleNow, NotProved, StatementMissing, Unknown
from rollouts.models import Bundle, DriftFinding, NamespacePush, Proof, Rollout
from rollouts.permissions import (
    check_may_accept,
    check_may_compare,
    check_may_confirm,
    check_may_operate,
    check_may_promote,
)
from rollouts.progress import advance
from rollouts.states import next_state

MIN_STATEMENT = 10
MAX_STATEMENT = 2000
MAX_NOTE = 500
MAX_ACCEPTANCE = timedelta(days=180)


@transaction.atomic
def confirm_proof(*, actor: User, rollout_id: uuid.UUID, statement: str) -> Proof:
    """Record what a named person saw working in non-production, with what was read back there."""
    rollout = _locked_rollout(actor, rollout_id)
    check_may_confirm(actor, rollout)
    state = next_state("confirm", rollout.state)
    said = _said(statement, least=MIN_STATEMENT, most=MAX_STATEMENT)
    at = timezone.now()
    proof = Proof.objects.create(
        rollout=rollout,
        effect_hash=rollout.revision.effect_hash,
        evidence=_evidence(rollout),
        statement=said,
        confirmed_by=actor,
        confirmed_at=at,
    )
    rollout.state, rollout.state_since = state, at
    rollout.save(update_fields=["state", "state_since"])
    _record(rollout, "rollout.proved", actor=actor, statement=said, targets=len(proof.evidence))
    return proof


def _evidence(rollout: Rollout) -> list[dict[str, object]]:
    """What was read back on each non-production target; empty where the scope has none."""
    targets = rollout.targets.filter(tier=Tier.NON_PRODUCTION).select_related("enforcement_point__cluster", "namespace")
    return [
        {
            "cluster": target.enforcement_point.cluster.name,
            "namespace": target.namespace.name,
            "state": target.state,
            "reason": target.reason,
            "generation": target.generation,
            "bundle_hash": target.bundle_hash,
            "read_back_at": target.verified_at.isoformat() if target.verified_at else None,
        }
        for target in targets
    ]


@transaction.atomic
def promote(*, actor: User, rollout_id: uuid.UUID, at: datetime | None = None) -> Rollout:
    """Let production want the proved revision; refused without a proof of this very effect."""
    at = at or timezone.now()
    rollout = _locked_rollout(actor, rollout_id)
    check_may_promote(actor)
    state = next_state("promote", rollout.state)
    proof = Proof.objects.filter(rollout=rollout).first()
    if proof is None or proof.effect_hash != rollout.revision.effect_hash:
        raise NotProved("There is no proof of this very change from non-production.")
    promote_revision(actor=actor, revision_id=rollout.revision_id, at=at)
    rollout.revision.entry.refresh_from_db()
    progress.open_production(rollout)
    rollout.state, rollout.state_since = state, at
    rollout.promoted_by, rollout.promoted_at = actor, at
    rollout.save(update_fields=["state", "state_since", "promoted_by", "promoted_at"])
    _record(rollout, "rollout.promoted", actor=actor, proof=proof.pk)
    wake("rollouts.tasks.push_due")
    wake("rollouts.tasks.advance")
    return rollout


@transaction.atomic
def revert_drift(*, actor: User, finding_id: uuid.UUID) -> DriftFinding:
    """Make a push due that brings the published side back; the finding closes once that is read back."""
    finding = _locked_finding(actor, finding_id)
    check_may_operate(actor)
    _check_open(finding)
    if finding.difference == DriftFinding.Difference.FOREIGN:
        raise NotOursToRevert(
            "This object belongs to somebody else, and nothing that is not ours is ever touched. "
            "Ask its owner to remove it, turn it into a request, or accept it until a date."
        )
    if finding.revert_asked_at is not None:
        return finding
    finding.revert_asked_at, finding.revert_asked_by = timezone.now(), actor
    finding.save(update_fields=["revert_asked_at", "revert_asked_by"])
    _record_finding(finding, "drift.revert-asked", actor=actor)
    wake("rollouts.tasks.push_due")
    return finding


@transaction.atomic
def accept_drift(*, actor: User, finding_id: uuid.UUID, until: datetime, note: str) -> DriftFinding:
    """Live with a difference until a date, with a reason; it stays open and counts again afterwards."""
    finding = _locked_finding(actor, finding_id)
    check_may_accept(actor)
    _check_open(finding)
    now = timezone.now()
    if not now < until <= now + MAX_ACCEPTANCE:
        raise InvalidEnd("Name a date in the future, at most 180 days away.", details={"field": "until"})
    finding.note = _said(note, least=MIN_STATEMENT, most=MAX_NOTE)
    finding.accepted_until = until
    finding.save(update_fields=["note", "accepted_until"])
    _record_finding(finding, "drift.accepted", actor=actor, until=until, note=finding.note)
    return finding


@transaction.atomic
def request_comparison(*, actor: User, cluster_id: uuid.UUID) -> int:
    """Make every namespace of the cluster due for comparison; returns how many."""
    cluster = Cluster.objects.visible_to(actor).filter(pk=cluster_id).first()
    if cluster is None:
        raise Unknown("There is no such cluster.")
    check_may_compare(actor)
    due = NamespacePush.objects.filter(enforcement_point__cluster=cluster, published__isnull=False)
    count = due.update(compare_due_at=timezone.now())
    record("cluster.comparison-asked", actor=actor, subject=cluster, team_id=cluster.owner_team_id, namespaces=count)
    wake("rollouts.tasks.compare_due")
    return count


@transaction.atomic
def release_hold(*, actor: User, push_id: uuid.UUID) -> NamespacePush:
    """Let a held push go on: the very bundle that was held, or one generation above what the cluster carries."""
    push = NamespacePush.objects.visible_to(actor).filter(pk=push_id).select_for_update(of=("self",)).first()
    if push is None:
        raise Unknown("There is no such push.")
    check_may_operate(actor)
    if push.state != NamespacePush.State.HELD:
        raise NotPossibleNow("This push is not held.", details={"state": push.state})
    because, ahead = push.held_because, push.generation_ahead
    if ahead is not None:
        _overtake(push, generation=ahead)
    push.released_hash = _held_hash(push)
    push.state, push.due_at, push.attempts = NamespacePush.State.DUE, timezone.now(), 0
    push.released_by, push.held_because, push.generation_ahead = actor, "", None
    push.save()
    record(
        "push.released",
        actor=actor,
        subject=push,
        team_id=push.namespace.team_id,
        cluster=push.enforcement_point.cluster.name,
        namespace=push.namespace.name,
        because=because,
        bundle_hash=push.released_hash,
    )
    wake("rollouts.tasks.push_due")
    return push


def _held_hash(push: NamespacePush) -> str:
    held = Bundle.objects.filter(
        enforcement_point_id=push.enforcement_point_id,
        namespace_id=push.namespace_id,
        generation=push.attempted_generation,
    ).first()
    return held.hash if held else ""


def _overtake(push: NamespacePush, *, generation: int) -> None:
    """Want a generation above the one that the cluster carries; generations only grow, so this is a legal step."""
    row = DesiredNamespace.objects.select_for_update().get(
        enforcement_point_id=push.enforcement_point_id, namespace_id=push.namespace_id
    )
    row.generation = max(row.generation, generation)
    row.save(update_fields=["generation"])
    point = EnforcementPoint.objects.select_related("cluster__environment").get(pk=push.enforcement_point_id)
    target = Target(point, Namespace.objects.get(pk=push.namespace_id))
    generations.bump([target], at=timezone.now(), reason="a person put this database before the cluster")


def _locked_rollout(actor: User, rollout_id: uuid.UUID) -> Rollout:
    rollout = (
        Rollout.objects.visible_to(actor)
        .filter(pk=rollout_id)
        .select_for_update(of=("self",))
        .select_related("revision__entry__team", "revision__requested_by")
        .first()
    )
    if rollout is None:
        raise Unknown("There is no such rollout.")
    return rollout


def _locked_finding(actor: User, finding_id: uuid.UUID) -> DriftFinding:
    finding = (
        DriftFinding.objects.visible_to(actor)
        .filter(pk=finding_id)
        .select_for_update(of=("self",))
        .select_related("namespace__cluster")
        .first()
    )
    if finding is None:
        raise Unknown("There is no such finding.")
    return finding


def _check_open(finding: DriftFinding) -> None:
    if finding.resolved_at is not None:
        raise NotPossibleNow("This difference is gone already.", details={"resolution": finding.resolution})


def _said(text: str, *, least: int, most: int) -> str:
    said = text.strip()
    if not least <= len(said) <= most or any(
        not character.isprintable() and character not in "\r\n\t" for character in said
    ):
        raise StatementMissing(
            f"Say it in words, between {least} and {most} characters.", details={"field": "statement"}
        )
    return said


def _record(rollout: Rollout, action: str, *, actor: User, **details: object) -> None:
    revision = rollout.revision
    record(
        action,
        actor=actor,
        subject=rollout,
        team_id=revision.entry.team_id,
        passport=revision.entry.passport,
        revision=revision.number,
        effect_hash=revision.effect_hash,
        **details,
    )


def _record_finding(finding: DriftFinding, action: str, *, actor: User, **details: object) -> None:
    record(
        action,
        actor=actor,
        subject=finding,
        team_id=finding.namespace.team_id,
        cluster=finding.namespace.cluster.name,
        namespace=finding.namespace.name,
        difference=finding.difference,
        object=f"{finding.kind}/{finding.name}",
        **details,
    )


__all__ = [
    "accept_drift",
    "advance",
    "confirm_proof",
    "promote",
    "release_hold",
    "request_comparison",
    "revert_drift",
]
