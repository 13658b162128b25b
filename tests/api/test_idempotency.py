"""The same call twice under one key happens once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services
from accounts.models import ApiToken, Role, Team
from api.models import IdempotentCall
from api.serving import ServedView
from api.tasks import forget_old_calls
from ledger.models import LedgerEntry
from tests import factories
from tests.accounts.factories import token_of
from tests.api.clients import carrying, with_token

pytestmark = pytest.mark.django_db
TEAMS = "/api/v1/teams/"
PAYMENTS = {"slug": "payments", "name": "Payments"}


@pytest.fixture
def client() -> APIClient:
    return with_token(factories.administrator())


def post(client: APIClient, body: dict, *, key: str = "key-1", path: str = TEAMS):
    return client.post(path, body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def test_the_second_call_gets_the_first_answer_and_does_nothing(client: APIClient) -> None:
    first = post(client, PAYMENTS)
    written = LedgerEntry.objects.count()
    second = post(client, PAYMENTS)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Team.objects.count() == 1
    assert LedgerEntry.objects.count() == written


def test_without_a_key_the_second_call_is_a_call_of_its_own(client: APIClient) -> None:
    client.post(TEAMS, PAYMENTS, format="json")

    assert client.post(TEAMS, PAYMENTS, format="json").status_code == 409
    assert not IdempotentCall.objects.exists()


@pytest.mark.parametrize(
    ("body", "path"),
    [({"slug": "other", "name": "Other"}, TEAMS), (PAYMENTS, TEAMS + "?x=1"), (PAYMENTS, "/api/v1/people/")],
)
def test_the_key_of_another_call_is_refused(client: APIClient, body: dict, path: str) -> None:
    post(client, PAYMENTS)

    response = post(client, body, path=path)

    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"
    assert Team.objects.count() == 1


def test_a_key_is_ones_own(client: APIClient) -> None:
    other = with_token(factories.person(roles=(Role.ADMINISTRATOR,)))

    post(client, PAYMENTS)

    assert post(other, {"slug": "other", "name": "Other"}).status_code == 201


def test_a_call_that_failed_may_be_repeated_under_its_key(client: APIClient) -> None:
    factories.team("payments")

    refused = post(client, PAYMENTS)
    repaired = post(client, {"slug": "payments-2", "name": "Payments"})

    assert (refused.status_code, repaired.status_code) == (409, 201)


def test_a_call_that_fails_half_way_leaves_nothing(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    make = services.create_team

    def make_then_fail(**fields: object) -> None:
        make(**fields)
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr("accounts.services.create_team", make_then_fail)
    client.raise_request_exception = False

    response = post(client, PAYMENTS)

    assert response.status_code == 500
    assert not Team.objects.exists()
    assert not IdempotentCall.objects.exists()


def test_the_right_is_judged_again_before_an_answer_is_repeated() -> None:
    person = factories.person(roles=(Role.ADMINISTRATOR,))
    wide, narrow = with_token(person), with_token(person, "read")
    post(wide, PAYMENTS)

    assert post(narrow, PAYMENTS).status_code == 403


def test_reading_takes_no_key(client: APIClient) -> None:
    client.get(TEAMS, HTTP_IDEMPOTENCY_KEY="key-1")

    assert not IdempotentCall.objects.exists()


@pytest.mark.parametrize("key", ["", "k" * 201, "a\tb", "schlüssel"])
def test_an_unusable_key_is_refused(client: APIClient, key: str) -> None:
    response = post(client, PAYMENTS, key=key)

    assert response.status_code == 422
    assert not Team.objects.exists()


def test_a_secret_is_never_stored_with_the_answer(client: APIClient) -> None:
    body = {"label": "x", "scopes": ["read"], "expires_at": (timezone.now() + timedelta(hours=1)).isoformat()}

    first = post(client, body, path="/api/v1/tokens/")
    second = post(client, body, path="/api/v1/tokens/")

    assert first.json()["secret"]
    assert second.json() == {**first.json(), "secret": None}
    assert ApiToken.objects.count() == 2
    assert first.json()["secret"] not in str(IdempotentCall.objects.values_list("body", flat=True))


def test_an_answer_without_a_body_is_repeated_too(client: APIClient) -> None:
    team, person = factories.team(), factories.person()
    path = f"{TEAMS}{team.slug}/members/{person.pk}/"

    answers = [client.delete(path, HTTP_IDEMPOTENCY_KEY="k").status_code for _ in range(2)]

    assert answers == [204, 204]


def test_a_key_is_forgotten_after_a_day(client: APIClient) -> None:
    post(client, PAYMENTS)

    with time_machine.travel(timezone.now() + timedelta(hours=23), tick=False):
        secret = token_of(factories.administrator())
        replayed = post(carrying(secret), PAYMENTS)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        secret = token_of(factories.administrator())
        anew = post(carrying(secret), PAYMENTS)
        forget_old_calls()

    assert (replayed.status_code, anew.status_code) == (201, 409)
    assert not IdempotentCall.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_calls_at_once_happen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = token_of(factories.administrator())
    make, inside, go_on = services.create_team, threading.Event(), threading.Event()

    def make_slowly(**fields: object) -> Team:
        inside.set()
        go_on.wait(timeout=10)
        return make(**fields)

    monkeypatch.setattr("accounts.services.create_team", make_slowly)
    answers: dict[str, int] = {}

    def call(name: str) -> None:
        try:
            answers[name] = post(carrying(secret), PAYMENTS).status_code
        finally:
            connections.close_all()

    first = threading.Thread(target=call, args=("first",))
    first.start()
    inside.wait(timeout=10)
    call("second")
    go_on.set()
    first.join(timeout=20)
    call("third")

    assert answers == {"first": 201, "second": 409, "third": 201}
    assert Team.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_caller_who_never_got_the_answer_gets_it_on_repeating(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies after the commit and before the reply: here the reply is lost on its way out."""
    secret = token_of(factories.administrator())
    client = carrying(secret)
    client.raise_request_exception = False
    with monkeypatch.context() as dying:
        dying.setattr(ServedView, "finalize_response", _die)
        with pytest.raises(SystemExit):
            post(client, PAYMENTS)

    again = post(client, PAYMENTS)

    assert again.status_code == 201
    assert again["Idempotent-Replayed"] == "true"
    assert Team.objects.count() == 1


def _die(*_arguments: object, **_named: object) -> None:
    raise SystemExit
