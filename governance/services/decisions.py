"""The reviewer's verbs: approve, reject, ask for changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.text import clean_line, clean_text
from allowlist.models import EntryRevision
from allowlist.proposals import Proposal
from allowlist.services import create_revision, hold_targets, lock_entry
from governance.errors import AlreadyApproved, EffectChanged, InvalidDecision, StaleRevision
from governance.models import Approval, EgressRequest
from governance.needs import counting, is_complete, remaining
from governance.notices import tell_requester
from governance.permissions import check_may_decide, role_to_approve_in
from governance.services.reviewing import check_submittable, judge_request
from governance.services.rows import check_revision, lock_request, standing_approvals
from governance.services.upkeep import adopt_effect
from governance.states import next_state
from ledger.services import record
from notifications.wakeups import wake

MAX_COMMENT = 4_000
MAX_RULE = 100


def approve_request(
    *,
    actor: User,
    request_id: UUID,
    revision: int,
    effect_hash: str,
    comment: str = "",
    role: str = "",
    at: datetime | None = None,
) -> EgressRequest:
    """Record one approval of the effect that the reviewer saw; the last one needed lets the change through.

    The effect is computed again: where the same text would do something else now, nothing is approved, the request
    shows the new effect (approvals of the former one are void), and ``EffectChanged`` tells what differs.
    """
    at = at or timezone.now()
    with transaction.atomic():
        request, outdated = _approve(
            actor=actor,
            request_id=request_id,
            revision=revision,
            effect_hash=effect_hash,
            comment=clean_text(comment, field="comment", max_length=MAX_COMMENT, required=False),
            role=role,
            at=at,
        )
    # Raised after the commit: the new effect must stay.
    if outdated:
        raise EffectChanged(
            "What this would do has changed since it was shown; look at it again.",
            details={"because": outdated, "effect_hash": request.effect_hash, "revision": request.revision},
        )
    return request


def _approve(
    *, actor: User, request_id: UUID, revision: int, effect_hash: str, comment: str, role: str, at: datetime
) -> tuple[EgressRequest, list[str]]:
    request = lock_request(request_id)
    approvals = standing_approvals(request)
    check_may_decide(actor, request)
    check_revision(request, revision)
    after = next_state("approve", request.state)
    if request.entry_id is not None:
        # Nothing may move the entry between the comparison of effects and the new revision.
        request.entry = lock_entry(request.entry_id)
    judgement = judge_request(request, at=at)
    if outdated := adopt_effect(request, judgement, at=at):
        return request, outdated
    check_effect(request, effect_hash)
    check_submittable(judgement)
    if _approved_before(actor, approvals):
        return request, []
    chosen = role_to_approve_in(actor, request, approvals, wanted=role)
    approval = _approval(request, actor=actor, role=chosen, comment=comment, at=at)
    is_last = is_complete(request, [*approvals, approval])
    proposal = Proposal.of_columns(request)
    if is_last:
        hold_targets(entry=request.entry, proposal=proposal, team_id=request.team_id, at=at)
    approval.save(force_insert=True)
    _record_approval(request, actor=actor, approvals=[*approvals, approval])
    if is_last:
        _let_through(request, actor=actor, after=after, approvals=[*approvals, approval], proposal=proposal, at=at)
    return request, []


def _approval(request: EgressRequest, *, actor: User, role: str, comment: str, at: datetime) -> Approval:
    return Approval(
        request=request,
        revision=request.revision,
        effect_hash=request.effect_hash,
        decision=Approval.Decision.APPROVE,
        role=role,
        reviewer=actor,
        reviewer_person=actor.responsible or actor,
        comment=comment,
        decided_at=at,
    )


def check_effect(request: EgressRequest, effect_hash: str) -> None:
    """The reviewer must have seen the very effect that the request is bound to."""
    if request.effect_hash != effect_hash:
        raise StaleRevision(
            f"{request} does something else than what you were shown; look at it again.",
            details={"current": request.revision, "effect_hash": request.effect_hash},
        )


def _approved_before(actor: User, approvals: Iterable[Approval]) -> bool:
    """Whether this account approved already: saying so twice changes nothing. Another account of the person may not."""
    for one in approvals:
        if one.reviewer_person_id == actor.person_id:
            if one.reviewer_id != actor.pk:
                raise AlreadyApproved("The same person approved this through another account.")
            return True
    return False


def _record_approval(request: EgressRequest, *, actor: User, approvals: list[Approval]) -> None:
    latest = approvals[-1]
    record(
        "request.approved",
        actor=actor,
        subject=request,
        revision=request.revision,
        effect_hash=request.effect_hash,
        role=latest.role,
        comment=latest.comment,
        still_missing={role: count for role, count in remaining(request, approvals).items() if count},
    )


def _let_through(
    request: EgressRequest,
    *,
    actor: User,
    after: str,
    approvals: list[Approval],
    proposal: Proposal,
    at: datetime,
) -> None:
    """The last approval is there: the change becomes a revision, and non-production wants it."""
    revision = create_revision(
        actor=actor,
        team=request.team,
        entry=request.entry,
        kind=_revision_kind(request),
        proposal=proposal,
        request_id=request.pk,
        requested_by=request.requester,
        approved_by=[one.reviewer for one in counting(request, approvals)],
        approved_at=at,
        effect_hash=request.effect_hash,
    )
    request.state = after
    request.entry = revision.entry
    request.decided_at = at
    request.save(update_fields=["state", "entry", "decided_at"])
    wake("rollouts.tasks.advance")
    wake("rollouts.tasks.push_due")
    tell_requester(request, subject=f"approved as {revision.entry.passport}")


def _revision_kind(request: EgressRequest) -> str:
    is_removal = request.kind == EgressRequest.Kind.REVOKE
    return EntryRevision.Kind.REVOCATION if is_removal else EntryRevision.Kind.GRANT


@transaction.atomic
def reject_request(
    *,
    actor: User,
    request_id: UUID,
    revision: int,
    comment: str,
    cited_rule: str,
    acceptable_change: str = "",
    at: datetime | None = None,
) -> EgressRequest:
    """Say no, by which rule, and what the nearest change is that would be approved."""
    rule = clean_line(cited_rule, field="cited_rule", max_length=MAX_RULE, required=False)
    if not rule:
        raise InvalidDecision("A rejection cites its rule.", details={"fields": {"cited_rule": ["Name the rule."]}})
    return _decide(
        "reject",
        actor=actor,
        request_id=request_id,
        revision=revision,
        at=at or timezone.now(),
        decision=Approval.Decision.REJECT,
        comment=_said(comment),
        cited_rule=rule,
        acceptable_change=clean_text(
            acceptable_change, field="acceptable_change", max_length=MAX_COMMENT, required=False
        ),
    )


@transaction.atomic
def request_changes(
    *, actor: User, request_id: UUID, revision: int, comment: str, at: datetime | None = None
) -> EgressRequest:
    """Send the request back with a question or a wish."""
    return _decide(
        "request-changes",
        actor=actor,
        request_id=request_id,
        revision=revision,
        at=at or timezone.now(),
        decision=Approval.Decision.REQUEST_CHANGES,
        comment=_said(comment),
    )


def _said(comment: str) -> str:
    text = clean_text(comment, field="comment", max_length=MAX_COMMENT, required=False)
    if not text:
        raise InvalidDecision("Say why.", details={"fields": {"comment": ["Say why."]}})
    return text


def _decide(
    action: str, *, actor: User, request_id: UUID, revision: int, at: datetime, decision: str, **words: str
) -> EgressRequest:
    request = lock_request(request_id)
    held = check_may_decide(actor, request)
    check_revision(request, revision)
    request.state = next_state(action, request.state)
    Approval.objects.create(
        request=request,
        revision=request.revision,
        effect_hash=request.effect_hash,
        decision=decision,
        role=held[0],
        reviewer=actor,
        reviewer_person=actor.responsible or actor,
        decided_at=at,
        **words,
    )
    if decision == Approval.Decision.REJECT:
        request.decided_at = at
    request.save(update_fields=["state", "decided_at"])
    name = "request.rejected" if action == "reject" else "request.changes-requested"
    said: dict[str, Any] = {"revision": request.revision, "role": held[0], **words}
    record(name, actor=actor, subject=request, **said)
    tell_requester(request, subject=str(EgressRequest.State(request.state).label), body=words["comment"])
    return request
