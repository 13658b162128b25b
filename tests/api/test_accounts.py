"""People, teams and tokens over REST: what each role may, and that ids give nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, Membership, Role, Team, User
from tests import factories
from tests.accounts.factories import robot_of, token_of
from tests.api.clients import with_token

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def admin() -> APIClient:
    return with_token(factories.administrator())


def in_a_week() -> str:
    return (timezone.now() + timedelta(days=7)).isoformat()


def test_an_administrator_makes_a_team_and_fills_it(admin: APIClient) -> None:
    person = factories.person()

    made = admin.post("/api/v1/teams/", {"slug": "payments", "name": "Payments"}, format="json")
    put = admin.put(f"/api/v1/teams/payments/members/{person.pk}/", {"kind": "lead"}, format="json")
    listed = admin.get("/api/v1/teams/payments/members/").json()

    assert made.status_code == 201
    assert put.json()["kind"] == "lead"
    assert [row["user"] for row in listed["results"]] == [str(person.pk)]
    assert person.may_lead(Team.objects.get())

    assert admin.delete(f"/api/v1/teams/payments/members/{person.pk}/").status_code == 204
    assert not Membership.objects.exists()
    assert not person.may_act_for(Team.objects.get())


def test_a_member_made_lead_and_back_has_exactly_the_rights_of_the_place(admin: APIClient) -> None:
    team, person = factories.team(), factories.person()
    held = []

    for kind in ("member", "lead", "member"):
        admin.put(f"/api/v1/teams/{team.slug}/members/{person.pk}/", {"kind": kind}, format="json")
        held.append((person.may_act_for(team), person.may_lead(team)))

    assert held == [(True, False), (True, True), (True, False)]


def test_a_team_is_renamed_and_keeps_its_slug(admin: APIClient) -> None:
    factories.team("payments")

    body = admin.patch("/api/v1/teams/payments/", {"name": "Pay", "slug": "other"}, format="json").json()

    assert (body["name"], body["slug"]) == ("Pay", "payments")


def test_an_administrator_makes_people_and_programs(admin: APIClient) -> None:
    made = admin.post(
        "/api/v1/people/", {"email": "new@example.com", "name": "New", "password": PASSWORD}, format="json"
    )
    robot = admin.post(
        "/api/v1/people/",
        {"email": "bot@example.com", "name": "Bot", "responsible": made.json()["id"]},
        format="json",
    )

    assert made.status_code == robot.status_code == 201
    assert PASSWORD not in made.content.decode()
    assert User.objects.get(email="bot@example.com").responsible.email == "new@example.com"


def test_a_program_takes_no_password(admin: APIClient) -> None:
    response = admin.post(
        "/api/v1/people/",
        {"email": "b@example.com", "name": "B", "responsible": str(factories.person().pk), "password": PASSWORD},
        format="json",
    )

    assert response.status_code == 400
    assert "password" in response.json()["details"]["fields"]


def test_roles_are_granted_and_withdrawn(admin: APIClient) -> None:
    person = factories.person()

    granted = admin.post(f"/api/v1/people/{person.pk}/roles/", {"role": Role.AUDITOR}, format="json").json()["roles"]
    withdrawn = admin.delete(f"/api/v1/people/{person.pk}/roles/{Role.AUDITOR}/").status_code

    assert granted == [Role.AUDITOR]
    assert withdrawn == 204
    assert not User.objects.get(pk=person.pk).roles


def test_an_account_is_disabled_and_enabled(admin: APIClient) -> None:
    person = factories.person()

    states = [admin.post(f"/api/v1/people/{person.pk}/{verb}/").json()["is_active"] for verb in ("disable", "enable")]

    assert states == [False, True]


WRITES = [
    ("post", "/api/v1/teams/", {"slug": "x", "name": "X"}),
    ("patch", "/api/v1/teams/ours/", {"name": "X"}),
    ("put", "/api/v1/teams/ours/members/{person}/", {"kind": "lead"}),
    ("delete", "/api/v1/teams/ours/members/{person}/", None),
    ("post", "/api/v1/people/", {"email": "x@example.com", "name": "X"}),
    ("post", "/api/v1/people/{person}/disable/", None),
    ("post", "/api/v1/people/{person}/enable/", None),
    ("post", "/api/v1/people/{person}/roles/", {"role": Role.ADMINISTRATOR}),
    ("delete", "/api/v1/people/{person}/roles/administrator/", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("kind", ["member", "lead", *(role for role in Role.values if role != Role.ADMINISTRATOR)])
def test_whoever_is_no_administrator_changes_nothing(method: str, path: str, body: dict | None, kind: str) -> None:
    ours = factories.team("ours")
    person = factories.member(ours)
    places = {"member": factories.member, "lead": factories.lead}
    caller = places[kind](ours) if kind in places else factories.person(roles=(kind,))

    response = getattr(with_token(caller), method)(path.format(person=person.pk), body, format="json")

    assert response.status_code == 403
    after = User.objects.get(pk=person.pk)
    assert after.is_active
    assert not after.roles
    assert after.may_act_for(ours)
    assert not after.may_lead(ours)


def test_ids_outside_of_what_one_may_see_are_not_found() -> None:
    ours, theirs = factories.team("ours"), factories.team("theirs")
    me, stranger = factories.member(ours), factories.member(theirs)
    token_of(stranger)
    foreign = ApiToken.objects.get(user=stranger)
    client = with_token(me)

    for method, path in [
        ("get", "/api/v1/teams/theirs/"),
        ("get", "/api/v1/teams/theirs/members/"),
        ("patch", "/api/v1/teams/theirs/"),
        ("put", f"/api/v1/teams/theirs/members/{me.pk}/"),
        ("get", f"/api/v1/people/{stranger.pk}/"),
        ("post", f"/api/v1/people/{stranger.pk}/disable/"),
        ("get", f"/api/v1/tokens/{foreign.id}/"),
        ("delete", f"/api/v1/tokens/{foreign.id}/"),
    ]:
        body = {"kind": "lead", "name": "x"} if method in ("patch", "put") else None
        assert getattr(client, method)(path, body, format="json").status_code == 404, path

    assert [row["slug"] for row in client.get("/api/v1/teams/").json()["results"]] == ["ours"]
    assert {row["id"] for row in client.get("/api/v1/people/").json()["results"]} == {str(me.pk)}
    assert ApiToken.objects.filter(pk=foreign.pk).exists()


def test_a_token_is_issued_with_its_secret_in_the_one_answer() -> None:
    me = factories.person()
    client = with_token(me)

    issued = client.post(
        "/api/v1/tokens/",
        {"label": "ci", "scopes": ["read"], "expires_at": (timezone.now() + timedelta(hours=1)).isoformat()},
        format="json",
    )
    secret = issued.json()["secret"]

    assert issued.status_code == 201
    assert issued["Cache-Control"] == "no-store"
    assert secret.startswith(issued.json()["prefix"])
    assert secret not in client.get("/api/v1/tokens/").content.decode()


def test_a_token_passes_on_no_more_than_it_has() -> None:
    me = factories.person()
    client = with_token(me, "administer")
    soon, later = (timezone.now() + timedelta(hours=1)).isoformat(), in_a_week()

    wider = client.post("/api/v1/tokens/", {"label": "x", "scopes": ["review"], "expires_at": soon}, format="json")
    longer = client.post(
        "/api/v1/tokens/", {"label": "x", "scopes": ["administer"], "expires_at": later}, format="json"
    )

    assert wider.status_code == longer.status_code == 403
    assert ApiToken.objects.count() == 1


def test_not_even_an_administrator_issues_a_token_for_another_person() -> None:
    client = with_token(factories.administrator())
    other = factories.person()

    response = client.post(
        "/api/v1/tokens/",
        {
            "account": str(other.pk),
            "label": "x",
            "scopes": ["read"],
            "expires_at": (timezone.now() + timedelta(hours=1)).isoformat(),
        },
        format="json",
    )

    assert response.status_code == 403
    assert not ApiToken.objects.filter(user=other).exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "read"},
        {"expires_at": "yesterday"},
        {"expires_at": "2000-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T00:00:00Z"},
        {"label": ""},
        {"label": "x" * 101},
        {"label": 7.5},
        {"label": ["x"]},
        {"account": "me"},
    ],
)
def test_a_token_with_a_bad_field_is_refused_by_field(fields: dict) -> None:
    good = {"label": "x", "scopes": ["read"], "expires_at": (timezone.now() + timedelta(hours=1)).isoformat()}

    response = with_token(factories.person()).post("/api/v1/tokens/", {**good, **fields}, format="json")

    if fields == {"label": 7.5}:
        assert response.status_code == 201
    else:
        assert response.status_code in (400, 403, 422)
        assert ApiToken.objects.count() == 1


def test_a_person_sees_and_revokes_the_tokens_of_their_programs() -> None:
    me = factories.person()
    robot = robot_of(me)
    token_of(robot)
    token = ApiToken.objects.get(user=robot)

    client = with_token(me)

    assert client.get(f"/api/v1/tokens/{token.id}/").json()["account"] == str(robot.pk)
    assert client.delete(f"/api/v1/tokens/{token.id}/").status_code == 204
    assert not ApiToken.objects.filter(user=robot).exists()


def test_a_member_reads_the_trail_of_the_team_only() -> None:
    ours, _theirs = factories.team("ours"), factories.team("theirs")
    client = with_token(factories.member(ours))

    rows = client.get("/api/v1/ledger/").json()["results"]

    assert {row["subject_name"] for row in rows} & {"Ours", "Theirs"} == {"Ours"}
    first = rows[-1]["sequence"]
    assert client.get(f"/api/v1/ledger/{first}/").json()["hash"] == rows[-1]["hash"]


def test_the_trail_cannot_be_written() -> None:
    admin = with_token(factories.administrator())

    assert admin.post("/api/v1/ledger/", {}, format="json").status_code == 405
    assert admin.delete("/api/v1/ledger/1/").status_code == 405


LISTS = ["/api/v1/teams/", "/api/v1/people/", "/api/v1/tokens/", "/api/v1/ledger/", "/api/v1/notifications/"]


@pytest.mark.parametrize("path", LISTS)
def test_each_list_takes_the_same_number_of_queries_however_long(path: str) -> None:
    client = with_token(factories.administrator())
    counts = []
    for more in (2, 10):
        for _ in range(more):
            token_of(factories.member(factories.team()))
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            body = client.get(path).json()
        counts.append(len(queries))

    assert set(body) == {"count", "next", "previous", "results"}
    assert counts[0] == counts[1] <= 8
