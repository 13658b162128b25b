"""Four eyes at every door: where a check is missing, the database refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.services import create_automation_account, grant_role
from governance import permissions
from governance.models import Approval, EgressRequest
from governance.services import decisions
from tests.factories import administrator, lead, team
from tests.governance.factories import State, World
from tests.governance.test_api import bearer

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """A world in which the requester also leads the team and reviews for security: the classic bypass."""
    made = World()
    grant_role(actor=administrator(), user_id=made.requester.pk, role="security-reviewer")
    made.requester = type(made.requester).objects.get(pk=made.requester.pk)
    return made


def refused(act: Callable[[], object]) -> str:
    """The name of what the database refused by; fails where it let the write through."""

    def attempt() -> None:
        with transaction.atomic():
            act()
            connection.check_constraints()

    with pytest.raises(IntegrityError) as caught:
        attempt()
    cause = caught.value.__cause__
    return getattr(getattr(cause, "diag", None), "constraint_name", "") or ""


def approval(request: EgressRequest, reviewer, **fields) -> Approval:
    return Approval(
        **{
            "request": request,
            "revision": request.revision,
            "effect_hash": request.effect_hash,
            "decision": "approve",
            "role": "security-reviewer",
            "reviewer": reviewer,
            "reviewer_person": reviewer.responsible or reviewer,
            "decided_at": timezone.now(),
            **fields,
        }
    )


DOORS = {
    "save": lambda row: row.save(),
    "force insert": lambda row: row.save(force_insert=True),
    "bulk_create": lambda row: Approval.objects.bulk_create([row]),
    "raw SQL": lambda row: _raw(row),
}


def _raw(row: Approval) -> None:
    columns = {
        field.column: field.get_prep_value(field.value_from_object(row)) for field in Approval._meta.concrete_fields
    }
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO governance_approval ({names}) VALUES ({marks})", list(columns.values()))  # noqa: S608


@pytest.mark.parametrize("door", DOORS)
def test_no_row_lets_the_requester_approve(world, door):
    request = world.ask()

    assert refused(lambda: DOORS[door](approval(request, world.requester))) == "approval_by_another_person"


@pytest.mark.parametrize("door", DOORS)
def test_no_row_lets_the_last_editor_approve(world, door):
    request = world.ask()
    EgressRequest.objects.filter(pk=request.pk).update(last_editor=world.reviewer, last_editor_person=world.reviewer)

    assert refused(lambda: DOORS[door](approval(request, world.reviewer))) == "approval_by_another_person"


@pytest.mark.parametrize("door", DOORS)
def test_no_row_lets_a_second_account_of_the_requester_approve(world, door):
    request = world.ask()
    robot = create_automation_account(
        actor=administrator(), email="robot@example.com", display_name="Robot", responsible=world.requester
    )

    assert refused(lambda: DOORS[door](approval(request, robot))) == "approval_by_another_person"
    forged = approval(request, robot, reviewer_person=world.reviewer)
    assert refused(lambda: DOORS[door](forged)) == "approval_by_the_person_behind_the_account"


@pytest.mark.parametrize("door", DOORS)
def test_one_person_is_counted_once_whatever_the_account(world, door):
    request = world.approve(world.ask(ports="any"))
    robot = create_automation_account(
        actor=administrator(), email="robot@example.com", display_name="Robot", responsible=world.reviewer
    )

    assert refused(lambda: DOORS[door](approval(request, robot))) == "approval_once_per_person"


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"effect_hash": "0" * 64}, "approval_of_the_present_effect"),
        ({"revision": 7}, "approval_of_the_present_effect"),
        ({"role": "platform-engineer"}, "approval_in_a_needed_role"),
        ({"role": "nobody"}, "approval_in_a_needed_role"),
    ],
)
def test_no_row_approves_something_else(world, fields, constraint):
    request = world.ask()

    assert refused(approval(request, world.reviewer, **fields).save) == constraint


@pytest.mark.parametrize("state", [State.DRAFT, State.CHANGES_REQUESTED, State.REJECTED, State.WITHDRAWN])
def test_no_row_approves_what_is_not_in_review(world, state):
    request = world.in_state(state)
    row = approval(request, world.second)

    assert refused(row.save) in {"approval_while_in_review", "approval_in_a_needed_role"}


@pytest.mark.parametrize(
    "change",
    [
        {"state": "approved", "decided_at": timezone.now()},
        {"state": "approved"},
        {"needs": []},
        {"needs": [{"role": "security-reviewer", "count": 0, "because": []}]},
        {"effect": {}},
        {"destination": "evil.example.org"},
        {"expires_at": timezone.now()},
        {"namespaces": ["billing"]},
        {"revision": 0},
        {"number": 99},
        {"origin": "campaign"},
    ],
)
def test_no_update_goes_around_the_review(world, change):
    request = world.ask()

    assert refused(lambda: EgressRequest.objects.filter(pk=request.pk).update(**change)) is not None
    request.refresh_from_db()
    assert request.state == State.IN_REVIEW


def test_the_requester_of_a_request_never_changes(world):
    request = world.ask()
    rows = EgressRequest.objects.filter(pk=request.pk)

    assert refused(lambda: rows.update(requester=world.lead, requester_person=world.lead)) == "request_keeps_who_asked"
    assert refused(lambda: rows.update(requester_person=world.lead)) == "request_keeps_who_asked"
    forged = {"last_editor": world.lead, "last_editor_person": world.second}
    assert refused(lambda: rows.update(**forged)) == "edit_by_the_person_behind_the_account"


def test_a_request_is_not_born_approved(world):
    request = world.ask()
    twin = EgressRequest.objects.get(pk=request.pk)
    twin.pk, twin.number, twin.state, twin._state.adding = None, 99, State.APPROVED, True
    twin.id = type(request)._meta.pk.get_default()

    assert refused(lambda: EgressRequest.objects.bulk_create([twin])) == "request_begins_as_draft"


def test_too_few_approvals_never_make_an_approved_request(world):
    request = world.approve(world.ask(ports="any"))
    rows = EgressRequest.objects.filter(pk=request.pk)

    assert (
        refused(lambda: rows.update(state=State.APPROVED, decided_at=timezone.now())) == "approved_with_every_approval"
    )


def test_an_edit_by_hand_cannot_keep_old_approvals(world):
    request = world.approve(world.ask())
    rows = EgressRequest.objects.filter(pk=request.pk)

    assert (
        refused(lambda: rows.update(destination="evil.example.org", effect_hash="f" * 64)) == "standing_approvals_fit"
    )
    assert (
        refused(lambda: rows.update(last_editor=world.reviewer, last_editor_person=world.reviewer))
        == "standing_approvals_fit"
    )


def test_decisions_are_for_ever(world):
    request = world.approve(world.ask())
    given = Approval.objects.filter(request=request)

    assert refused(lambda: given.update(reviewer=world.second, reviewer_person=world.second)) == ""
    assert refused(lambda: given.update(effect_hash="0" * 64)) == ""
    assert refused(lambda: given._raw_delete("default")) == ""
    given.update(voided_at=timezone.now(), voided_because="for the test")
    assert refused(lambda: given.update(voided_at=None)) == ""


def test_an_approved_request_is_final(world):
    request = world.approve_fully(world.ask())
    rows = EgressRequest.objects.filter(pk=request.pk)

    for change in ({"state": "in-review"}, {"destination": "evil.example.org"}, {"justification": "Other words."}):
        assert refused(lambda change=change: rows.update(**change)) == "decided_request_is_final"
    assert refused(lambda: rows._raw_delete("default")) == ""


@pytest.fixture
def unguarded(monkeypatch):
    """The product without its own checks: what remains is the database."""
    monkeypatch.setattr(permissions, "check_other_person", lambda actor, request: None)
    monkeypatch.setattr(decisions, "_approved_before", lambda actor, approvals: False)


def by_service(world: World, request: EgressRequest, client) -> None:
    world.approve(request, by=world.requester)


def by_page(world: World, request: EgressRequest, client) -> None:
    client.force_login(world.requester)
    fields = {"approve-revision": request.revision, "approve-effect_hash": request.effect_hash}
    client.post(f"/requests/{request.number}/approve/", fields)


def by_session_api(world: World, request: EgressRequest, client) -> None:
    client.force_login(world.requester)
    body = {"revision": request.revision, "effect_hash": request.effect_hash}
    client.post(f"/api/v1/requests/{request.number}/approve/", body, content_type="application/json")


def by_token(world: World, request: EgressRequest, client) -> None:
    body = {"revision": request.revision, "effect_hash": request.effect_hash}
    headers = bearer(world.requester, "review")
    client.post(f"/api/v1/requests/{request.number}/approve/", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("door", [by_service, by_page, by_session_api, by_token])
@pytest.mark.usefixtures("unguarded")
def test_without_any_check_in_the_code_the_database_still_refuses(world, client, door):
    request = world.ask()
    client.raise_request_exception = True

    assert refused(lambda: door(world, request, client)) == "approval_by_another_person"
    assert not Approval.objects.exists()


@pytest.mark.parametrize("door", [by_page, by_session_api, by_token])
def test_with_its_checks_every_door_says_why(world, client, door):
    request = world.ask()

    door(world, request, client)

    assert not Approval.objects.exists()


@pytest.mark.parametrize("model", ["egressrequest", "approval"])
def test_the_administration_site_changes_nothing(world, client, model):
    request = world.approve(world.ask())
    row = request if model == "egressrequest" else request.approvals.get()
    client.force_login(administrator())

    assert client.post(f"/admin/governance/{model}/add/", {}).status_code in {403, 404}
    assert client.post(f"/admin/governance/{model}/{row.pk}/delete/", {"post": "yes"}).status_code in {403, 404}
    before = client.get(f"/admin/governance/{model}/{row.pk}/change/").status_code
    client.post(f"/admin/governance/{model}/{row.pk}/change/", {"state": "approved", "decision": "approve"})
    assert before in {200, 302, 403}
    row.refresh_from_db()
    assert getattr(row, "state", State.IN_REVIEW) == State.IN_REVIEW


def test_a_lead_elsewhere_is_no_lead_here(world):
    request = world.ask()

    assert "team-lead" not in permissions.roles_held(lead(team()), request.team)
