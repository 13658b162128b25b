"""Two administrators at once, on two connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connections, transaction

from accounts.errors import AlreadyTaken, NotPermitted
from accounts.models import Membership, Role, Team, User
from accounts.services import create_person, create_team, disable_account, grant_role, set_membership, withdraw_role
from ledger.verification import verify
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10
Change = Callable[[User, User], None]


def at_once(*calls: Callable[[], object]) -> list[Exception | None]:
    """Run the calls in threads that start together; the outcome of each in order."""
    start = threading.Barrier(len(calls))
    outcomes: list[Exception | None] = [None] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            call()
        except Exception as error:  # noqa: BLE001  handed to the test
            outcomes[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def disable(actor: User, other: User) -> None:
    disable_account(actor=actor, user_id=other.pk)


def demote(actor: User, other: User) -> None:
    withdraw_role(actor=actor, user_id=other.pk, role=Role.ADMINISTRATOR)


@pytest.mark.parametrize("first", [disable, demote])
@pytest.mark.parametrize("second", [disable, demote])
def test_of_two_administrators_who_remove_each_other_one_stays(first: Change, second: Change) -> None:
    for turn in range(ROUNDS):
        one = User.objects.in_role(Role.ADMINISTRATOR).first() or factories.administrator()
        two = create_person(actor=one, email=f"second{turn}@example.com", display_name="Second")
        grant_role(actor=one, user_id=two.pk, role=Role.ADMINISTRATOR)

        outcomes = at_once(partial(first, one, two), partial(second, two, one))

        assert User.objects.in_role(Role.ADMINISTRATOR).count() == 1
        assert [type(outcome) for outcome in outcomes if outcome] == [NotPermitted]
    assert verify().is_whole


def test_a_fresh_installation_gets_one_first_administrator() -> None:
    def install(name: str) -> None:
        with transaction.atomic():
            user = create_person(actor=None, email=f"{name}@example.com", display_name=name)
            grant_role(actor=None, user_id=user.pk, role=Role.ADMINISTRATOR)

    outcomes = at_once(lambda: install("one"), lambda: install("two"))

    assert User.objects.in_role(Role.ADMINISTRATOR).count() == 1
    assert sorted(type(outcome) for outcome in outcomes if outcome) == [NotPermitted]


def test_the_same_team_is_made_once() -> None:
    admin = factories.administrator()

    outcomes = at_once(*[lambda: create_team(actor=admin, slug="payments", name="Payments")] * 2)

    assert Team.objects.count() == 1
    assert [type(outcome) for outcome in outcomes if outcome] == [AlreadyTaken]


def test_the_same_account_is_made_once() -> None:
    admin = factories.administrator()

    outcomes = at_once(*[lambda: create_person(actor=admin, email="x@example.com", display_name="X")] * 2)

    assert User.objects.filter(email="x@example.com").count() == 1
    assert [type(outcome) for outcome in outcomes if outcome] == [AlreadyTaken]


def test_two_places_given_at_once_leave_one_with_its_own_rights() -> None:
    admin, team, person = factories.administrator(), factories.team(), factories.person()

    for _ in range(5):
        outcomes = at_once(
            lambda: set_membership(actor=admin, team_id=team.pk, user_id=person.pk, kind="lead"),
            lambda: set_membership(actor=admin, team_id=team.pk, user_id=person.pk, kind="member"),
        )

        assert outcomes == [None, None]
        kind = Membership.objects.get().kind
        assert person.may_act_for(team)
        assert person.may_lead(team) == (kind == "lead")
