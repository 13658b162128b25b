"""Putting a proposal before the reviewers: judge it, freeze what it needs, void what no longer fits."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import User
from allowlist.coverage import covering_entry
from allowlist.proposals import Proposal
from governance import notices
from governance.assessment import Judgement, judge
from governance.effects import differences
from governance.errors import NotSubmittable
from governance.models import EgressRequest
from governance.needs import Needs, frozen, frozen_risk
from governance.permissions import speaks_for
from governance.states import next_state
from ledger.services import record

ANSWER_WITHIN = timedelta(days=14)


def put_in_review(request: EgressRequest, *, actor: User, at: datetime) -> None:
    """Submit: closed where it is allowed already, refused where nothing could come of it, else before the reviewers."""
    after = next_state("submit", request.state)
    if close_if_covered(request, actor=actor, at=at):
        return
    judgement = judge_request(request, at=at)
    check_submittable(judgement)
    bind(request, judgement, because="submitted again with another effect", at=at)
    request.state = after
    request.submitted_at = request.submitted_at or at
    request.answer_due_at = at + ANSWER_WITHIN
    request.save()
    record(
        "request.submitted",
        actor=actor,
        subject=request,
        revision=request.revision,
        effect_hash=request.effect_hash,
        needs=request.needs,
        risk=request.risk,
        answer_due_at=request.answer_due_at,
    )
    notices.tell_reviewers(request)


def close_if_covered(request: EgressRequest, *, actor: User, at: datetime) -> bool:
    """Close a request for something that the team is allowed already; says whether it did."""
    if request.kind != EgressRequest.Kind.ADD:
        return False
    covering = covering_entry(team=request.team, proposal=Proposal.of_columns(request), at=at)
    if covering is None:
        return False
    request.state = next_state("cover", request.state)
    request.entry = covering
    request.decided_at = at
    void_approvals(request, because="already allowed", at=at)
    request.save()
    record("request.covered", actor=actor, subject=request, entry=covering.passport)
    notices.tell_requester(request, subject=f"already allowed by {covering.passport}")
    return True


def judge_request(request: EgressRequest, *, at: datetime) -> Judgement:
    """The request as its columns say it now."""
    proposal = Proposal.of_columns(request)
    return judge(kind=request.kind, team=request.team, entry=request.entry, proposal=proposal, at=at)


def check_submittable(judgement: Judgement) -> None:
    if judgement.problems:
        raise NotSubmittable(" ".join(judgement.problems), details={"problems": list(judgement.problems)})


def bind(request: EgressRequest, judgement: Judgement, *, because: str, at: datetime) -> list[str]:
    """Bind the request to the effect; what differs from the former one, in words, or nothing where it is the same.

    Another effect freezes the needs anew, and the approvals of the former one end in this very transaction. The
    caller saves the request.
    """
    effect = judgement.effect
    if effect.hash == request.effect_hash:
        return []
    after = effect.as_json()
    changes = differences(request.effect, after) if request.effect_hash else ["the first effect"]
    request.effect, request.effect_hash = after, effect.hash
    request.risk, request.needs = frozen_risk(judgement.risk), _needs(request, judgement)
    void_approvals(request, because=because, at=at)
    return changes


def _needs(request: EgressRequest, judgement: Judgement) -> Needs:
    consented = speaks_for(request.last_editor, request.team)
    return frozen(judgement.risk.approvals, asked_by_lead=consented)


def void_approvals(request: EgressRequest, *, because: str, at: datetime, person: User | None = None) -> int:
    """Void the standing approvals, or those of one person; says how many there were."""
    approvals = request.approvals.standing()
    if person is not None:
        approvals = approvals.filter(reviewer_person=person)
    return approvals.update(voided_at=at, voided_because=because[:200])
