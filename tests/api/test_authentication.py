"""Who gets in with a token, and how far."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, Role, Scope, Team, User
from accounts.services import disable_account, enable_account, end_membership, revoke_token, withdraw_role
from tests import factories
from tests.accounts.factories import robot_of, token_of
from tests.api.clients import carrying, with_token

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def refusal_of(response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"code", "message", "details"}
    return response.status_code, body["code"]


def test_a_token_opens_the_account_that_it_was_issued_for() -> None:
    person = factories.person()

    body = with_token(person).get(ME).json()

    assert body["email"] == person.email
    assert body["token"]["scopes"] == list(Scope.values)
    assert "digest" not in str(body)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Token",
        "Bearer ",
        "Bearer a b",
        "Bearer x",
        "Bearer sp_" + "0" * 64,
        "Bearer " + "9" * 100_000,
        "Bearer \u00e4\u00f6",
        "Bearer \x00",
        "Bearer %00",
        "Token sp_x",
        "Basic YTpi",
    ],
)
def test_no_header_opens_the_door_or_breaks_it(header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)

    response = client.get(ME)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert set(response.json()) == {"code", "message", "details"}


def test_a_token_is_refused_after_its_end_and_not_deleted() -> None:
    secret = token_of(factories.person(), expires_at=timezone.now() + timedelta(hours=1))

    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        response = carrying(secret).get(ME)

    assert refusal_of(response) == (401, "authentication_failed")
    assert ApiToken.objects.count() == 1


def test_a_changed_secret_with_the_same_beginning_is_refused() -> None:
    secret = token_of(factories.person())

    assert carrying(secret[:-1] + ("0" if secret[-1] != "0" else "1")).get(ME).status_code == 401


def test_a_revoked_token_is_refused_at_once() -> None:
    person = factories.person()
    client = with_token(person)
    assert client.get(ME).status_code == 200

    revoke_token(actor=person, token_id=ApiToken.objects.get().id)

    assert client.get(ME).status_code == 401


def test_tokens_of_a_disabled_account_are_refused_at_once_and_for_ever() -> None:
    admin, person = factories.administrator(), factories.person()
    client = with_token(person)

    disable_account(actor=admin, user_id=person.pk)
    while_disabled = client.get(ME).status_code
    enable_account(actor=admin, user_id=person.pk)

    assert while_disabled == client.get(ME).status_code == 401


def test_a_program_falls_with_the_person_who_answers_for_it() -> None:
    person = factories.person()
    client = with_token(robot_of(person))
    User.objects.filter(pk=person.pk).update(is_active=False)

    assert client.get(ME).status_code == 401


def test_every_refusal_of_a_token_reads_the_same() -> None:
    expired = token_of(factories.person(), expires_at=timezone.now() + timedelta(seconds=1))
    disabled_person = factories.person()
    disabled = token_of(disabled_person)
    User.objects.filter(pk=disabled_person.pk).update(is_active=False)

    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        answers = {carrying(secret).get(ME).content for secret in (expired, disabled, "sp_unknown")}

    assert len(answers) == 1


def test_the_last_use_is_written_at_most_once_a_minute() -> None:
    client, start = with_token(factories.person()), timezone.now()
    seen = []

    for seconds in (0, 30, 59, 61):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            client.get(ME)
        seen.append(ApiToken.objects.get().last_used_at)

    assert [moment - start for moment in seen] == [timedelta(0)] * 3 + [timedelta(seconds=61)]


SCOPED_CALLS = [
    ("get", "/api/v1/me/", "read"),
    ("get", "/api/v1/teams/", "read"),
    ("get", "/api/v1/people/", "read"),
    ("get", "/api/v1/tokens/", "read"),
    ("get", "/api/v1/ledger/", "read"),
    ("get", "/api/v1/notifications/", "read"),
    ("post", "/api/v1/teams/", "administer"),
    ("post", "/api/v1/people/", "administer"),
    ("post", "/api/v1/tokens/", "administer"),
]


@pytest.mark.parametrize(("method", "path", "scope"), SCOPED_CALLS)
def test_a_token_needs_exactly_the_scope_of_the_call(method: str, path: str, scope: str) -> None:
    admin = factories.administrator()
    without = with_token(admin, *(name for name in Scope.values if name != scope))
    only = with_token(admin, scope)

    refused = getattr(without, method)(path, {}, format="json")
    served = getattr(only, method)(path, {}, format="json")

    assert refusal_of(refused) == (403, "scope_missing")
    assert refused.json()["details"] == {"scope": scope}
    assert served.status_code in (200, 400)


def test_scopes_never_give_more_than_the_account_has() -> None:
    response = with_token(factories.person()).post("/api/v1/teams/", {"slug": "x", "name": "X"}, format="json")

    assert refusal_of(response) == (403, "not_permitted")
    assert not Team.objects.exists()


def test_a_role_withdrawn_is_gone_at_the_next_call() -> None:
    person = factories.person(roles=(Role.ADMINISTRATOR,))
    client = with_token(person)
    assert client.post("/api/v1/teams/", {"slug": "a", "name": "A"}, format="json").status_code == 201

    withdraw_role(actor=factories.administrator(), user_id=person.pk, role=Role.ADMINISTRATOR)

    assert client.post("/api/v1/teams/", {"slug": "b", "name": "B"}, format="json").status_code == 403


def test_a_membership_ended_is_gone_at_the_next_call() -> None:
    team = factories.team()
    member = factories.member(team)
    client = with_token(member)
    assert client.get(f"/api/v1/teams/{team.slug}/").status_code == 200

    end_membership(actor=factories.administrator(), team_id=team.pk, user_id=member.pk)

    assert client.get(f"/api/v1/teams/{team.slug}/").status_code == 404


def _session(user: User, *, checks: bool) -> Client:
    client = Client(enforce_csrf_checks=checks)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_session_may_call_but_not_write_without_the_csrf_token() -> None:
    client = _session(factories.administrator(), checks=True)

    read = client.get("/api/v1/teams/")
    written = client.post("/api/v1/teams/", {"slug": "x", "name": "X"}, content_type="application/json")

    assert read.status_code == 200
    assert refusal_of(written) == (403, "permission_denied")
    assert not Team.objects.exists()


def test_a_session_passes_every_scope() -> None:
    client = _session(factories.administrator(), checks=False)

    response = client.post("/api/v1/teams/", {"slug": "x", "name": "X"}, content_type="application/json")

    assert response.status_code == 201
