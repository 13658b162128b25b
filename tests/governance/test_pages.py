"""The pages of the workflow: what is shown, what is kept, what is refused with which status."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance import services
from governance.models import EgressRequest
from tests.allowlist import factories as fleet
from tests.factories import member, person, team
from tests.governance.factories import State, World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def world() -> World:
    return World()


def typed(**changes):
    return {
        "destination": "api.example.com",
        "ports": "443",
        "namespaces": "payments",
        "justification": "The payment provider's API.",
        "expires_at": (timezone.now() + timedelta(days=60)).date().isoformat(),
        "action": "submit",
        **changes,
    }


def page(client, user, path: str) -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def send(client, user, path: str, **fields):
    client.force_login(user)
    return client.post(path, fields)


def test_a_request_is_made_through_the_form(world, client):
    text = page(client, world.requester, "/requests/new/")
    assert "Submit for review" in text
    assert 'value="cilium"' in text
    assert 'value="squid"' not in text

    answer = send(client, world.requester, "/requests/new/", **typed(team=world.team.slug))

    request = EgressRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/requests/{request.number}/")
    assert (request.state, request.origin, request.ports) == (State.IN_REVIEW, "page", "443/tcp")


def test_bad_input_stands_beside_its_field_and_nothing_typed_is_lost(world, client):
    fields = typed(team=world.team.slug, destination="API.Example.com", justification="why not", ticket="x")

    answer = send(client, world.requester, "/requests/new/", **fields)

    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="API.Example.com"' in text
    assert "why not" in text
    assert 'id="id_destination_error"' in text
    assert 'name="use_destination" value="api.example.com"' in text
    assert 'id="id_ticket_error"' in text
    assert not EgressRequest.objects.exists()


def test_the_canonical_form_is_taken_by_a_button(world, client):
    fields = typed(team=world.team.slug, destination="API.Example.com", use_destination="api.example.com")

    text = send(client, world.requester, "/requests/new/", **fields).content.decode()

    assert 'value="api.example.com"' in text
    assert "What it means" in text


def test_without_scripts_the_check_button_answers_in_the_page(world, client):
    answer = send(client, world.requester, "/requests/new/", **typed(team=world.team.slug, action="check"))

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "What changes on each cluster" in text
    assert "stage-1, prod-1" in text
    assert "Lead of the owner team" in text
    assert not EgressRequest.objects.exists()


def test_the_live_checks_are_a_fragment(world, client):
    client.force_login(world.requester)
    fields = typed(team=world.team.slug, destination="**.example.com")

    answer = client.post("/requests/checks/", fields, headers=HTMX)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in text
    assert "a.b.example.com" in text
    assert "diff-added" in text
    assert "not under default deny yet" in text


def test_the_live_checks_name_what_cannot_be_read(world, client):
    client.force_login(world.requester)

    text = client.post("/requests/checks/", typed(destination="a b")).content.decode()

    assert "The checks appear when these fields can be read" in text


def test_the_live_checks_say_what_is_allowed_already_and_what_is_impossible(world, client):
    entry = world.in_force("**.example.com")
    plain = fleet.cluster("plain-1", owner=world.team, dialect="networkpolicy")
    fleet.namespace(plain, "payments", of=world.team)
    client.force_login(world.requester)

    text = client.post("/requests/checks/", typed(team=world.team.slug)).content.decode()

    assert f'href="/entries/{entry.passport}/"' in text
    assert "Not enforced on:" in text
    assert text.index("stage-1, prod-1") < text.index("<strong>plain-1")
    assert "plain-1/payments" in text


def test_refused_risk_is_told_above_the_form(world, client):
    fields = typed(team=world.team.slug, destination="169.254.169.254/32")

    answer = send(client, world.requester, "/requests/new/", **fields)

    assert answer.status_code == 422
    assert "169.254.169.254" in answer.content.decode()


def test_the_address_fills_the_form_in(world, client):
    query = f"?destination=db.example.com&ports=5432&namespaces=payments&team={world.team.slug}&origin=denied-flow"
    text = page(client, world.requester, f"/requests/new/{query}")
    assert 'value="db.example.com"' in text
    assert 'value="5432"' in text

    send(client, world.requester, "/requests/new/", **typed(team=world.team.slug, origin="denied-flow"))

    assert EgressRequest.objects.get().origin == "denied-flow"


@pytest.mark.parametrize("kind", ["modify", "renew", "revoke"])
def test_a_change_of_an_entry_begins_with_what_it_says(world, client, kind):
    entry = world.in_force()
    path = f"/requests/new/?kind={kind}&entry={entry.passport}"
    text = page(client, world.requester, path)
    assert ('name="destination"' in text) is (kind == "modify")
    assert ('name="expires_at"' in text) is (kind != "revoke")

    end = (timezone.now() + timedelta(days=99)).date().isoformat()
    fields = typed(ports="8443", expires_at=end, kind=kind, entry=entry.passport)
    answer = send(client, world.requester, "/requests/new/", **fields)

    assert answer.status_code == 302, answer.content
    request = EgressRequest.objects.get(kind=kind)
    assert (request.entry, request.ports) == (entry, "8443/tcp" if kind == "modify" else "443/tcp")


def test_the_form_refuses_strangers_and_nonsense(world, client):
    entry = world.in_force()
    stranger = member(team())
    client.force_login(stranger)

    assert client.get(f"/requests/new/?kind=modify&entry={entry.passport}").status_code == 404
    assert client.get("/requests/new/?kind=grant").status_code == 404
    assert client.post("/requests/new/", typed(team=world.team.slug)).status_code == 422
    assert client.post("/requests/new/", typed(destination="a\x00b")).status_code == 422
    assert client.post("/requests/checks/", {"number": "999999999"}).status_code == 404
    assert EgressRequest.objects.count() == 1


def test_pages_ask_for_a_sign_in(client):
    for path in ("/requests/", "/requests/new/", "/requests/1/", "/entries/", "/entries/SP-AAAAA/"):
        assert client.get(path).status_code == 302


def test_an_edit_keeps_the_state_and_a_stale_one_says_what_changed(world, client):
    request = world.ask()
    path = f"/requests/{request.number}/edit/"
    assert 'value="api.example.com"' in page(client, world.requester, path)

    first = send(client, world.requester, path, **typed(ports="8443", revision="1", action="save"))
    stale = send(client, world.requester, path, **typed(ports="9443", revision="1", action="save"))

    assert first.status_code == 302
    assert stale.status_code == 409
    text = stale.content.decode()
    assert "443/tcp → 8443/tcp" in text
    assert 'value="9443"' in text
    request.refresh_from_db()
    assert (request.ports, request.revision) == ("8443/tcp", 2)


def test_what_was_sent_back_is_edited_and_submitted_in_one_go(world, client):
    request = world.send_back(world.ask())

    send(
        client,
        world.requester,
        f"/requests/{request.number}/edit/",
        **typed(ports="8443", revision=str(request.revision), action="submit"),
    )

    request.refresh_from_db()
    assert (request.state, request.ports) == (State.IN_REVIEW, "8443/tcp")


def test_the_review_page_shows_everything_and_its_buttons_decide(world, client):
    request = world.ask()
    text = page(client, world.reviewer, f"/requests/{request.number}/")
    for expected in (
        "Security reviewer",
        "Lead of the owner team",
        "stage-1, prod-1",
        "diff-added",
        "It reaches out of production",
    ):
        assert expected in text
    assert f'value="{request.effect_hash}"' in text

    fields = {"approve-revision": "1", "approve-effect_hash": request.effect_hash, "approve-comment": "Fine."}
    assert send(client, world.reviewer, f"/requests/{request.number}/approve/", **fields).status_code == 302
    assert "You approved this already." in page(client, world.reviewer, f"/requests/{request.number}/")
    assert send(client, world.lead, f"/requests/{request.number}/approve/", **fields).status_code == 302

    request.refresh_from_db()
    assert request.state == State.APPROVED
    assert "Effect, as it was decided" in page(client, world.requester, f"/requests/{request.number}/")


def test_ones_own_request_says_why_it_is_blocked(world, client):
    request = world.ask(actor=world.lead)

    text = page(client, world.lead, f"/requests/{request.number}/")

    assert "You asked for this yourself: another person must decide." in text
    assert f"/requests/{request.number}/approve/" not in text
    refused = send(
        client,
        world.lead,
        f"/requests/{request.number}/approve/",
        **{"approve-revision": "1", "approve-effect_hash": request.effect_hash},
    )
    assert refused.status_code == 403


def test_a_stale_approval_keeps_the_comment_and_shows_the_change(world, client):
    request = world.ask()
    services.edit_request(
        actor=world.requester, request_id=request.pk, revision=1, proposal=fleet.proposal(ports="8443")
    )

    answer = send(
        client,
        world.reviewer,
        f"/requests/{request.number}/approve/",
        **{"approve-revision": "1", "approve-effect_hash": request.effect_hash, "approve-comment": "Looks fine."},
    )

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "443/tcp → 8443/tcp" in text
    assert "Looks fine." in text
    request.refresh_from_db()
    assert f'value="{request.effect_hash}"' in text


def test_a_moved_effect_is_shown_before_and_after_the_attempt(world, client):
    request = world.ask()
    third = fleet.cluster("stage-2", owner=world.team)
    fleet.namespace(third, "payments", of=world.team)
    assert "stage-2/payments is new in scope" in page(client, world.reviewer, f"/requests/{request.number}/")

    answer = send(
        client,
        world.reviewer,
        f"/requests/{request.number}/approve/",
        **{"approve-revision": "1", "approve-effect_hash": request.effect_hash},
    )

    assert answer.status_code == 409
    assert "stage-2/payments is new in scope" in answer.content.decode()
    request.refresh_from_db()
    assert request.revision == 2
    assert send(client, world.reviewer, f"/requests/{request.number}/recheck/").status_code == 302


def test_rejecting_and_sending_back_need_their_words(world, client):
    request = world.ask()
    path = f"/requests/{request.number}/"

    bare = send(client, world.reviewer, f"{path}reject/", **{"reject-revision": "1", "reject-comment": "No."})
    silent = send(client, world.reviewer, f"{path}request-changes/", **{"changes-revision": "1"})
    broken = send(client, world.reviewer, f"{path}reject/", **{"reject-revision": "one"})
    full = {"reject-revision": "1", "reject-comment": "No.", "reject-cited_rule": "too-broad"}

    assert [one.status_code for one in (bare, silent, broken)] == [422, 422, 422]
    assert "A rejection" not in bare.content.decode() or "Name the rule." in bare.content.decode()
    assert send(client, world.reviewer, f"{path}reject/", **full).status_code == 302
    assert "too-broad" in page(client, world.requester, path)
    assert send(client, world.requester, f"{path}withdraw/").status_code == 409


def test_drafts_are_submitted_and_withdrawn_by_buttons(world, client):
    send(client, world.requester, "/requests/new/", **typed(team=world.team.slug, action="draft"))
    request = EgressRequest.objects.get()
    assert request.state == State.DRAFT
    assert "Who must approve is fixed when it is submitted." in page(
        client, world.requester, f"/requests/{request.number}/"
    )

    assert send(client, world.requester, f"/requests/{request.number}/submit/").status_code == 302
    assert send(client, world.requester, f"/requests/{request.number}/withdraw/").status_code == 302

    request.refresh_from_db()
    assert request.state == State.WITHDRAWN


def test_the_queue_tells_whose_turn_it_is(world, client):
    request = world.ask()

    assert request.reference in page(client, world.reviewer, "/requests/?turn=mine")
    assert request.reference in page(client, world.requester, "/requests/?turn=waiting")
    assert "Nothing waits for you" in page(client, world.requester, "/requests/?turn=mine")
    assert request.reference not in page(client, person(), "/requests/")
    assert "No request matches" in page(client, world.reviewer, "/requests/?text=%E2%80%8Bx")
    assert page(client, world.reviewer, "/requests/?text=%00&page=%00&team=%00")


def test_what_others_may_not_see_is_not_there(world, client):
    request = world.ask()
    client.force_login(member(team()))

    assert client.get(f"/requests/{request.number}/").status_code == 404
    for verb in ("edit", "approve", "reject", "request-changes", "withdraw", "submit", "recheck"):
        assert client.post(f"/requests/{request.number}/{verb}/").status_code == 404
    assert client.get("/requests/99999999999999999999/").status_code == 404


def test_a_request_page_takes_a_constant_number_of_queries(world, client):
    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, world.reviewer, f"/requests/{number}/")
        return len(captured)

    request = world.ask()
    queries(request.number)
    few = queries(request.number)
    for number in range(10):
        cluster = fleet.cluster(f"more-{number}", owner=world.team)
        fleet.namespace(cluster, "payments", of=world.team)
        world.in_force(f"a{number}.example.com")
    services.recheck_waiting()

    assert queries(request.number) == few
