"""What happens to requests without anybody's hand: effects move on, and silence ends."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from governance.assessment import Judgement
from governance.models import EgressRequest
from governance.notices import tell_requester, tell_reviewers
from governance.permissions import check_may_decide
from governance.querysets import EgressRequestQuerySet
from governance.services.reviewing import bind, judge_request
from governance.services.rows import lock_request
from governance.states import next_state
from ledger.services import record


def adopt_effect(request: EgressRequest, judgement: Judgement, *, at: datetime) -> list[str]:
    """Bind a locked request to its effect as it is now; what differs from the one shown, empty where nothing does."""
    because = bind(request, judgement, because="its effect changed", at=at)
    if not because:
        return []
    request.revision += 1
    request.save(update_fields=["effect", "effect_hash", "risk", "needs", "revision"])
    record(
        "request.effect-changed",
        actor=None,
        subject=request,
        revision=request.revision,
        effect_hash=request.effect_hash,
        because=because,
    )
    return because


@transaction.atomic
def recheck_request(*, actor: User, request_id: UUID, at: datetime | None = None) -> EgressRequest:
    """Show a reviewer the effect as it is now, and bind the request to it."""
    request = lock_request(request_id)
    check_may_decide(actor, request)
    if request.state == EgressRequest.State.IN_REVIEW:
        moment = at or timezone.now()
        adopt_effect(request, judge_request(request, at=moment), at=moment)
    return request


def recheck_waiting(at: datetime | None = None) -> int:
    """Look again at every request in review, so that reviewers meet the effect of today; says how many moved."""
    moment = at or timezone.now()
    return sum(_recheck(pk, at=moment) for pk in _ids(EgressRequest.objects.awaiting_decision()))


@transaction.atomic
def _recheck(request_id: UUID, *, at: datetime) -> bool:
    request = lock_request(request_id)
    if request.state != EgressRequest.State.IN_REVIEW:
        return False
    if not adopt_effect(request, judge_request(request, at=at), at=at):
        return False
    tell_reviewers(request)
    return True


def lapse_unanswered(at: datetime | None = None) -> int:
    """Close what nobody answered in time; says how many."""
    moment = at or timezone.now()
    return sum(_lapse(pk, at=moment) for pk in _ids(EgressRequest.objects.unanswered(moment)))


@transaction.atomic
def _lapse(request_id: UUID, *, at: datetime) -> bool:
    """One request in its own transaction: another one's trouble is not this one's."""
    request = lock_request(request_id)
    if not request.is_open or request.answer_due_at is None or request.answer_due_at > at:
        return False
    request.state = next_state("lapse", request.state)
    request.decided_at = at
    request.save(update_fields=["state", "decided_at"])
    record("request.lapsed", actor=None, subject=request, answer_due_at=request.answer_due_at)
    tell_requester(request, subject="lapsed: nobody answered in time")
    return True


def _ids(requests: EgressRequestQuerySet) -> list[UUID]:
    return list(requests.order_by("number").values_list("pk", flat=True))
