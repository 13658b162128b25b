"""Two people at the same instant, on PostgreSQL with a connection each: exactly one legal outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from accounts.services import create_automation_account
from allowlist.models import DesiredNamespace, EntryRevision
from allowlist.services import bump_expired, extend_entry
from governance import services
from governance.models import Approval, EgressRequest
from ledger.models import LedgerEntry
from ledger.verification import verify
from policy.errors import DomainError
from tests.allowlist import factories as fleet
from tests.factories import administrator, lead
from tests.governance.factories import State, World

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3
PATIENCE = 60


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts in threads that start together; each outcome, or the error that it ended with."""
    barrier = threading.Barrier(len(acts))
    outcomes: list[Any] = [None] * len(acts)

    def run(position: int, act: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=PATIENCE)
            outcomes[position] = act()
        except (DomainError, IntegrityError) as error:
            outcomes[position] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "the two waited for each other"
    return outcomes


def approving(request: EgressRequest, by) -> Callable[[], EgressRequest]:
    revision, effect_hash = request.revision, request.effect_hash
    return lambda: services.approve_request(actor=by, request_id=request.pk, revision=revision, effect_hash=effect_hash)


def is_legal(request: EgressRequest) -> bool:
    """Approved only with standing approvals of the very effect, by enough persons, and exactly one revision of it."""
    request.refresh_from_db()
    given = list(request.approvals.standing().filter(decision="approve", effect_hash=request.effect_hash))
    persons = {one.reviewer_person_id for one in given}
    enough = all(sum(one.role == need["role"] for one in given) >= need["count"] for need in request.needs) and len(
        persons
    ) == len(given)
    revisions = list(EntryRevision.objects.filter(request_id=request.pk))
    if request.state == State.APPROVED:
        return enough and [one.effect_hash for one in revisions] == [request.effect_hash]
    return not revisions


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def _whole_ledger():
    yield
    assert verify().is_whole


def test_two_approvers_where_one_is_needed(world):
    for number in range(ROUNDS):
        request = world.ask(f"a{number}.example.com", actor=world.lead)

        outcomes = at_once(approving(request, world.reviewer), approving(request, world.second))

        assert is_legal(request)
        assert request.state == State.APPROVED
        assert request.approvals.count() == 1
        assert [isinstance(one, DomainError) for one in outcomes].count(True) == 1


def test_two_approvers_where_two_are_needed(world):
    for number in range(ROUNDS):
        request = world.ask(f"a{number}.example.com", ports="any", actor=world.lead)

        outcomes = at_once(approving(request, world.reviewer), approving(request, world.second))

        assert not any(isinstance(one, Exception) for one in outcomes)
        assert is_legal(request)
        assert (request.state, request.approvals.count()) == (State.APPROVED, 2)


def test_the_same_person_in_two_tabs(world):
    for number in range(ROUNDS):
        request = world.ask(f"a{number}.example.com", ports="any", actor=world.lead)

        at_once(approving(request, world.reviewer), approving(request, world.reviewer))

        assert is_legal(request)
        assert (request.state, request.approvals.count()) == (State.IN_REVIEW, 1)


def test_the_same_person_through_two_accounts(world):
    robot = create_automation_account(
        actor=administrator(), email="robot@example.com", display_name="Robot", responsible=world.reviewer
    )
    request = world.ask(ports="any", actor=world.lead)

    def insert(by) -> Callable[[], Approval]:
        return lambda: Approval.objects.create(
            request=request,
            revision=1,
            effect_hash=request.effect_hash,
            decision="approve",
            role="security-reviewer",
            reviewer=by,
            reviewer_person=world.reviewer,
            decided_at=request.created_at,
        )

    outcomes = at_once(insert(world.reviewer), insert(robot))

    assert [isinstance(one, IntegrityError) for one in outcomes].count(True) == 1
    assert request.approvals.count() == 1


def test_approve_against_edit(world):
    for number in range(ROUNDS):
        request = world.ask(f"a{number}.example.com", actor=world.lead)
        wider = fleet.proposal(f"a{number}.example.com", ports="1-65535")

        def edit(request=request, wider=wider) -> EgressRequest:
            return services.edit_request(actor=world.lead, request_id=request.pk, revision=1, proposal=wider)

        outcomes = at_once(approving(request, world.reviewer), edit)

        assert is_legal(request)
        assert [isinstance(one, DomainError) for one in outcomes].count(True) == 1
        if request.state == State.APPROVED:
            assert request.ports == "443/tcp"


def test_approve_against_withdraw(world):
    for number in range(ROUNDS):
        request = world.ask(f"a{number}.example.com", actor=world.lead)

        def withdraw(request=request) -> EgressRequest:
            return services.withdraw_request(actor=world.lead, request_id=request.pk)

        outcomes = at_once(approving(request, world.reviewer), withdraw)

        assert is_legal(request)
        assert request.state in {State.APPROVED, State.WITHDRAWN}
        assert [isinstance(one, DomainError) for one in outcomes].count(True) == 1


def test_approve_against_reject(world):
    request = world.ask(actor=world.lead)

    outcomes = at_once(approving(request, world.reviewer), lambda: world.reject(request, by=world.second))

    assert is_legal(request)
    assert [isinstance(one, DomainError) for one in outcomes].count(True) == 1


def test_a_hand_written_approval_against_an_edit(world):
    """Whoever goes around the services meets the triggers, in either order."""
    for number in range(ROUNDS):
        request = world.ask(f"a{number}.example.com", actor=world.lead)
        row = Approval(
            request=request,
            revision=1,
            effect_hash=request.effect_hash,
            decision="approve",
            role="security-reviewer",
            reviewer=world.reviewer,
            reviewer_person=world.reviewer,
            decided_at=request.created_at,
        )
        wider = fleet.proposal(f"a{number}.example.com", ports="1-65535")

        def edit(request=request, wider=wider) -> EgressRequest:
            return services.edit_request(actor=world.lead, request_id=request.pk, revision=1, proposal=wider)

        at_once(row.save, edit)

        assert is_legal(request)
        assert not request.approvals.standing().exclude(effect_hash=request.effect_hash).exists()


def test_two_people_ask_for_a_change_of_one_entry(world):
    entry = world.in_force()
    other = lead(world.team)

    def ask(actor, destination: str) -> Callable[[], EgressRequest]:
        return lambda: world.ask(destination, kind="modify", entry_id=entry.pk, actor=actor)

    outcomes = at_once(ask(world.lead, "one.example.org"), ask(other, "two.example.org"))

    assert [isinstance(one, DomainError) for one in outcomes].count(True) == 1
    assert EgressRequest.objects.open().count() == 1


def test_numbers_are_given_out_once(world):
    outcomes = at_once(*(lambda n=n: world.ask(f"a{n}.example.com") for n in range(4)))

    assert sorted(one.number for one in outcomes) == [1, 2, 3, 4]


def test_approvals_extensions_and_expiry_never_wait_for_each_other(world):
    entry = world.in_force(actor=world.lead)
    end = entry.latest.expires_at

    for days in range(1, ROUNDS + 1):
        request = world.ask(f"b{days}.example.com", actor=world.lead)
        change = world.ask(f"c{days}.example.com", kind="modify", entry_id=entry.pk, actor=world.lead)
        at_once(
            approving(request, world.reviewer),
            approving(change, world.second),
            lambda days=days: extend_entry(actor=world.lead, entry_id=entry.pk, expires_at=end + timedelta(days=days)),
            bump_expired,
        )
        assert is_legal(request)
        assert is_legal(change)
        if change.is_open:
            services.withdraw_request(actor=world.lead, request_id=change.pk)
    assert DesiredNamespace.objects.filter(generation__gte=1).count() == DesiredNamespace.objects.count()
    assert LedgerEntry.objects.filter(action="request.approved").exists()
