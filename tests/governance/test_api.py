"""The workflow over REST: the same services, the same refusals, one shape of error."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services import issue_token
from governance.models import EgressRequest
from tests.factories import member, person, team
from tests.governance.factories import State, World

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/requests/"


@pytest.fixture
def world() -> World:
    return World()


def bearer(user: User, *scopes: str) -> dict[str, str]:
    """The header of a token of the user's own."""
    end = timezone.now() + timedelta(days=1)
    _, secret = issue_token(actor=user, user_id=user.pk, label="test", scopes=scopes, expires_at=end)
    return {"Authorization": f"Bearer {secret}"}


def call(client, method: str, path: str, user: User, body: object = None):
    client.force_login(user)
    return getattr(client, method)(path, body, content_type="application/json")


def asked(world: World, **changes):
    return {
        "team": world.team.slug,
        "destination": "api.example.com",
        "ports": "443/tcp",
        "namespaces": ["payments"],
        "justification": "The payment provider's API.",
        "expires_at": (timezone.now() + timedelta(days=60)).date().isoformat(),
        **changes,
    }


def test_the_whole_way_through_the_api(world, client):
    made = call(client, "post", ROOT, world.requester, asked(world))
    assert made.status_code == 201, made.content
    number, body = made.json()["number"], made.json()
    assert (body["state"], body["origin"]) == ("in-review", "api")
    assert [(need["role"], need["missing"]) for need in body["needs"]] == [("security-reviewer", 1), ("team-lead", 1)]

    read = {"revision": body["revision"], "effect_hash": body["effect_hash"]}
    first = call(client, "post", f"{ROOT}{number}/approve/", world.reviewer, read)
    second = call(client, "post", f"{ROOT}{number}/approve/", world.lead, {**read, "comment": "Ours."})

    assert (first.json()["state"], second.json()["state"]) == ("in-review", "approved")
    assert second.json()["entry"].startswith("SP-")
    entry = client.get(f"/api/v1/entries/{second.json()['entry']}/").json()
    assert (entry["destination"], entry["state"], entry["in_production"]) == ("api.example.com", "non-production", None)
    revisions = client.get(f"/api/v1/entries/{entry['passport']}/revisions/").json()["results"]
    assert [sorted(one["approved_by"]) for one in revisions] == [sorted([world.reviewer.email, world.lead.email])]


def test_field_errors_name_the_field_and_offer_the_canonical_form(world, client):
    answer = call(client, "post", ROOT, world.requester, asked(world, destination="API.example.com", ports="0"))

    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "invalid_proposal"
    assert set(body["details"]["fields"]) == {"destination", "ports"}
    assert body["details"]["canonical"] == {"destination": "api.example.com"}


def test_a_check_writes_nothing(world, client):
    answer = call(client, "post", f"{ROOT}check/", world.requester, asked(world, destination="*.example.com"))

    body = answer.json()
    assert answer.status_code == 200, body
    assert body["canonical"] == "*.example.com"
    assert {one["rule"] for one in body["findings"]} == {"one-level-wildcard", "production"}
    assert body["is_submittable"] is True
    assert [one["clusters"] for one in body["previews"]] == [["stage-1", "prod-1"]]
    assert any(line.startswith("+") and "*.example.com" in line for line in body["previews"][0]["diff"])
    assert not EgressRequest.objects.exists()


def test_a_change_of_an_entry_says_only_what_differs(world, client):
    entry = world.in_force()

    made = call(
        client, "post", ROOT, world.requester, {"kind": "modify", "entry": entry.passport, "ports": "443/tcp, 8443/tcp"}
    )

    assert made.status_code == 201, made.content
    assert (made.json()["destination"], made.json()["ports"]) == ("api.example.com", "443/tcp, 8443/tcp")
    gone = call(client, "post", ROOT, world.requester, {"kind": "revoke", "entry": entry.passport})
    assert (gone.status_code, gone.json()["code"]) == (409, "open_request_exists")


def test_renewing_and_revoking(world, client):
    entry = world.in_force()
    end = (timezone.now() + timedelta(days=200)).date().isoformat()

    renewed = call(client, "post", ROOT, world.requester, {"kind": "renew", "entry": entry.passport, "expires_at": end})
    assert renewed.status_code == 201, renewed.content
    call(client, "post", f"{ROOT}{renewed.json()['number']}/withdraw/", world.requester, {})
    revoked = call(
        client, "post", ROOT, world.requester, {"kind": "revoke", "entry": entry.passport, "justification": "Unused."}
    )

    assert revoked.status_code == 201, revoked.content
    assert [need["role"] for need in revoked.json()["needs"]] == ["security-reviewer"]


def test_an_edit_and_the_refusal_of_a_stale_one(world, client):
    request = world.ask()

    edited = call(client, "patch", f"{ROOT}{request.number}/", world.requester, {"revision": 1, "ports": "8443"})
    stale = call(client, "patch", f"{ROOT}{request.number}/", world.requester, {"revision": 1, "ports": "9443"})

    assert (edited.json()["ports"], edited.json()["revision"]) == ("8443/tcp", 2)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_revision")
    assert "443/tcp → 8443/tcp" in stale.json()["message"]


def test_sending_back_submitting_and_rejecting(world, client):
    request = world.ask()
    path = f"{ROOT}{request.number}/"

    back = call(client, "post", f"{path}request-changes/", world.reviewer, {"revision": 1, "comment": "Which data?"})
    again = call(client, "post", f"{path}submit/", world.requester, {"revision": 1})
    no = call(client, "post", f"{path}reject/", world.reviewer, {"revision": 1, "comment": "No.", "cited_rule": "x"})

    assert [one.json()["state"] for one in (back, again, no)] == ["changes-requested", "in-review", "rejected"]
    assert call(client, "post", f"{path}recheck/", world.second).json()["state"] == "rejected"


def test_ones_own_request_is_refused_with_the_reason(world, client):
    request = world.ask(actor=world.lead)

    answer = call(
        client,
        "post",
        f"{ROOT}{request.number}/approve/",
        world.lead,
        {"revision": 1, "effect_hash": request.effect_hash},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "own_request")


def test_strangers_find_nothing(world, client):
    request = world.ask()
    stranger = member(team())

    assert call(client, "get", ROOT, stranger).json()["results"] == []
    for method, path in (("get", ""), ("patch", ""), ("post", "approve/"), ("post", "withdraw/"), ("post", "reject/")):
        body = {"revision": 1, "effect_hash": "x", "comment": "x", "cited_rule": "x"}
        assert call(client, method, f"{ROOT}{request.number}/{path}", stranger, body).status_code == 404
    assert call(client, "post", ROOT, stranger, asked(world)).status_code == 404


@pytest.mark.parametrize(
    ("scope", "path", "allowed"),
    [
        ("read", "", True),
        ("read", "approve/", False),
        ("request", "approve/", False),
        ("review", "approve/", True),
        ("read", "withdraw/", False),
        ("review", "withdraw/", False),
        ("request", "withdraw/", True),
    ],
)
def test_a_token_does_what_its_scopes_say(world, client, scope, path, allowed):
    request = world.ask()
    user = world.reviewer if path == "approve/" else world.requester
    body = {"revision": 1, "effect_hash": request.effect_hash} if path == "approve/" else {}
    method = client.post if path else client.get

    answer = method(
        f"{ROOT}{request.number}/{path}", body or None, content_type="application/json", headers=bearer(user, scope)
    )

    assert (answer.status_code == 200) is allowed, answer.content
    if not allowed:
        assert answer.json()["code"] == "scope_missing"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"kind": "grant"},
        {"team": "x" * 300},
        {"kind": "modify"},
        {"kind": "modify", "entry": "SP-\x00"},
        {"namespaces": "payments", "team": "t"},
        {"workload": {"a": ["b"]}, "team": "t"},
    ],
)
def test_nonsense_is_refused_and_never_breaks(world, client, body):
    assert call(client, "post", ROOT, world.requester, body).status_code in {400, 404, 422}


def test_the_list_narrows(world, client):
    first, second = world.ask("one.example.com"), world.ask("two.example.org", ports="any")
    world.reject(first)

    def numbers(query: str, user: User = world.reviewer) -> list[int]:
        return [one["number"] for one in call(client, "get", f"{ROOT}?{query}", user).json()["results"]]

    assert numbers("") == [second.number, first.number]
    assert numbers("state=open") == [second.number]
    assert numbers("risk=high") == [second.number]
    assert numbers("text=two.example") == [second.number]
    assert numbers(f"text=REQ-{first.number}") == [first.number]
    assert numbers("turn=mine") == [second.number]
    assert numbers("turn=mine", world.requester) == []
    assert numbers("turn=waiting", world.requester) == [second.number]
    assert numbers("turn=mine", person()) == []
    assert numbers("order=risk") == [second.number, first.number]


LISTS = (ROOT, "/requests/", "/requests/?turn=mine", "/entries/", "/api/v1/entries/", "/entries/?format=csv")


def test_lists_take_a_constant_number_of_queries(world, client):
    client.force_login(world.reviewer)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path)
            assert answer.status_code == 200
            _ = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return len(captured)

    for number in range(2):
        world.in_force(f"a{number}.example.com")
        world.ask(f"b{number}.example.com")
    few = {path: queries(path) for path in LISTS}
    for number in range(2, 12):
        world.in_force(f"a{number}.example.com")
        world.ask(f"b{number}.example.com", submit=number % 2 == 0)

    assert {path: queries(path) for path in LISTS} == few


def test_an_approved_request_shows_what_was_decided(world, client):
    request = world.approve_fully(world.ask())

    body = call(client, "get", f"{ROOT}{request.number}/", world.requester).json()

    assert body["state"] == State.APPROVED
    assert {one["role"] for one in body["approvals"]} == {"security-reviewer", "team-lead"}
    assert body["actions"] == []
    assert body["effect"]["targets"][0]["cluster"] == "stage-1"
