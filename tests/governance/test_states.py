"""Every action in every state: it leads where the table says, or is refused and leaves nothing behind."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance import services
from governance.errors import InvalidTransition
from governance.models import EgressRequest
from governance.states import ACTIONS, TRANSITIONS, actions_in, next_state
from ledger.models import LedgerEntry
from tests.allowlist.factories import proposal
from tests.governance.factories import World

pytestmark = pytest.mark.django_db
State = EgressRequest.State
VERBS = ("edit", "submit", "approve", "reject", "request-changes", "withdraw", "lapse")


def act(world: World, request: EgressRequest, action: str) -> None:
    moment = timezone.now() + timedelta(days=15)
    calls = {
        "edit": lambda: services.edit_request(
            actor=world.requester,
            request_id=request.pk,
            revision=request.revision,
            proposal=proposal("other.example.org"),
        ),
        "submit": lambda: services.submit_request(actor=world.requester, request_id=request.pk),
        "approve": lambda: approve_all(world, request),
        "reject": lambda: world.reject(request, by=world.second),
        "request-changes": lambda: world.send_back(request, by=world.second),
        "withdraw": lambda: services.withdraw_request(actor=world.requester, request_id=request.pk),
        "lapse": lambda: services.lapse_unanswered(moment),
    }
    calls[action]()


def approve_all(world: World, request: EgressRequest) -> None:
    if request.state == State.IN_REVIEW:
        world.approve_fully(request)
    else:
        world.approve(request, by=world.second)


@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("action", VERBS)
def test_each_action_in_each_state(action, state):
    world = World()
    request = world.in_state(state)
    assert request.state == state
    written = LedgerEntry.objects.count()
    expected = TRANSITIONS.get((action, state))

    if expected is None and action != "lapse":
        with pytest.raises(InvalidTransition):
            act(world, request, action)
    else:
        act(world, request, action)

    request.refresh_from_db()
    assert request.state == (expected or state)
    if expected is None:
        assert LedgerEntry.objects.count() == written


def test_the_table_knows_no_other_action_than_the_verbs_and_coverage():
    assert set(ACTIONS) == {*VERBS, "cover"}


def test_decided_requests_offer_nothing():
    decided = set(State.values) - {State.DRAFT, State.IN_REVIEW, State.CHANGES_REQUESTED}

    assert all(actions_in(state) == () for state in decided)
    assert set(actions_in(State.DRAFT)) == {"edit", "submit", "cover", "withdraw"}


def test_a_refusal_names_action_and_state():
    with pytest.raises(InvalidTransition) as caught:
        next_state("approve", State.WITHDRAWN)

    assert caught.value.details == {"action": "approve", "state": "withdrawn"}
