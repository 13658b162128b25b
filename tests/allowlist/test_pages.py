"""The list of entries, its search and its table for other programs, and the page of one entry."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from allowlist.exports import neutral
from allowlist.models import Entry
from allowlist.search import reaching
from tests.allowlist import factories as make
from tests.factories import lead, member, reviewer, team

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours():
    made = team("payments-team")
    make.fleet(made)
    return made


def show(client, user, path: str) -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


@pytest.mark.parametrize(
    ("destination", "text", "found"),
    [
        ("api.example.com", "api.example", True),
        ("api.example.com", "API.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("**.example.com", "a.b.example.com", True),
        ("**.example.com +apex", "example.com", True),
        ("*.example.com", "bücher.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.0.0/16", True),
        ("10.1.0.0/16", "10.0.0.0/8", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8 except 10.1.0.0/16", "10.1.2.3", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "10.1.2.3", False),
        ("api.example.com", "%_'\"", False),
    ],
)
def test_search_takes_what_a_person_has_at_hand(ours, destination, text, found):
    make.revision(ours, make.proposal(destination))

    assert reaching(Entry.objects.all(), text).exists() is found


def test_search_takes_a_passport(ours):
    entry = make.revision(ours).entry

    assert reaching(Entry.objects.all(), entry.passport.lower()).get() == entry


def test_states_are_told_and_can_be_filtered(ours, client):
    running = make.entry_in_force(ours)
    pending = make.revision(ours, make.proposal("two.example.com")).entry
    gone = make.entry_in_force(ours, make.proposal("three.example.com"))
    tombstone = make.revision(ours, make.proposal("three.example.com"), entry=gone, kind="revocation")
    make.promote_revision(actor=None, revision_id=tombstone.pk)
    states = {one.passport: one.state for one in Entry.objects.with_state(timezone.now())}
    assert states == {running.passport: "in-force", pending.passport: "non-production", gone.passport: "revoked"}

    for state, expected in (("in-force", running), ("non-production", pending), ("revoked", gone)):
        text = show(client, reviewer(), f"/entries/?state={state}")
        assert expected.passport in text
        assert sum(passport in text for passport in states) == 1


def test_what_production_still_carries_is_in_force(ours):
    entry = make.entry_in_force(ours)
    make.revision(ours, make.proposal(), entry=entry, kind="revocation")

    assert Entry.objects.with_state(timezone.now()).get().state == "in-force"


def test_the_list_narrows_by_team_environment_and_end(ours, client):
    other = team()
    soon = make.entry_in_force(ours, make.proposal(days=10, environments=("staging",)))
    late = make.entry_in_force(other, make.proposal("two.example.com", days=200))
    user = reviewer()

    assert late.passport not in show(client, user, f"/entries/?team={ours.slug}")
    assert late.passport not in show(client, user, "/entries/?expiring=yes")
    assert soon.passport not in show(client, user, "/entries/?environment=production")
    assert soon.passport in show(client, user, "/entries/?environment=staging")
    assert soon.passport in show(client, user, "/entries/?team=nobody&page=x&state=%00")


def test_the_table_for_spreadsheets_runs_nothing(ours, client):
    make.entry_in_force(ours, make.proposal(justification='=HYPERLINK("https://evil.example")'))
    client.force_login(reviewer())

    answer = client.get("/entries/?format=csv")

    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["destination"] for row in rows] == ["api.example.com"]
    assert rows[0]["justification"].startswith("'=")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_neutralised(text):
    assert neutral(text) == f"'{text}"
    assert neutral(f"a{text}") == f"a{text}"


def test_the_entry_page_tells_what_why_who_and_its_story(ours, client):
    entry = make.entry_in_force(ours, make.proposal(ticket="https://tickets.example.com/T-1", data_class="internal"))

    text = show(client, lead(ours), f"/entries/{entry.passport}/")

    for expected in ("api.example.com", "443/tcp", "as agreed", "https://tickets.example.com/T-1", "What happened"):
        assert expected in text
    for kind in ("modify", "renew", "revoke"):
        assert f"?kind={kind}&amp;entry={entry.passport}" in text


def test_the_entry_page_offers_changes_to_the_team_only(ours, client):
    entry = make.entry_in_force(ours)

    assert "kind=revoke" not in show(client, reviewer(), f"/entries/{entry.passport}/")
    client.force_login(member(team()))
    assert client.get(f"/entries/{entry.passport}/").status_code == 404
    assert client.get("/entries/SP-%00/").status_code == 404


def test_an_ended_entry_can_be_asked_for_anew(ours, client):
    entry = make.entry_in_force(ours, at=timezone.now() - timedelta(days=100))

    text = show(client, lead(ours), f"/entries/{entry.passport}/")

    assert "Ask for it anew" in text
    assert "kind=renew" not in text
