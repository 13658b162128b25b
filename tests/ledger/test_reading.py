"""Who reads what of the trail, and how."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role, Team, User
from accounts.services import update_team
from ledger.models import LedgerEntry
from ledger.reading import changes_of, facts_of
from ledger.services import record
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def rows_of(client: Client, **query: object) -> list[LedgerEntry]:
    return list(client.get(reverse("ledger:list"), query).context["page_obj"])


@pytest.mark.parametrize("role", Role.values)
def test_the_global_roles_read_all_of_it(role: str) -> None:
    factories.team()

    rows = rows_of(signed_in(factories.person(roles=(role,))))

    assert len(rows) == LedgerEntry.objects.count()


def test_a_member_reads_what_concerns_the_team_and_their_own_account() -> None:
    ours, theirs = factories.team("ours"), factories.team("theirs")
    me = factories.member(ours)
    factories.member(theirs)

    rows = rows_of(signed_in(me))

    assert {row.subject_id for row in rows} == {str(ours.pk), str(me.pk)}


def test_an_entry_outside_of_what_one_may_see_is_not_found() -> None:
    me = factories.member(factories.team("ours"))
    theirs = factories.team("theirs")
    entry = LedgerEntry.objects.about(theirs).first()
    client = signed_in(me)

    assert client.get(reverse("ledger:entry", args=[entry.sequence])).status_code == 404
    assert client.get(reverse("ledger:entry", args=[10**30])).status_code == 404


def test_a_visitor_reads_nothing(client: Client) -> None:
    assert client.get(reverse("ledger:list")).status_code == 302


def test_each_filter_narrows_the_list() -> None:
    team, admin = factories.team("payments"), factories.administrator()
    factories.member(team)
    client = signed_in(admin)

    assert {row.action for row in rows_of(client, action="membership")} == {"membership.set"}
    assert {row.subject_id for row in rows_of(client, subject=f"accounts.team:{team.pk}")} == {str(team.pk)}
    assert {row.subject_name for row in rows_of(client, subject="Payments")} == {"Payments"}
    assert {row.actor for row in rows_of(client, actor="ADMIN@example.com")} == {admin}
    assert rows_of(client, text="payments")
    assert rows_of(client, origin="command")
    assert not rows_of(client, origin="task")
    assert not rows_of(client, since="2999-01-01")
    assert not rows_of(client, until="1999-01-01")


def test_the_page_of_an_entry_shows_before_and_after() -> None:
    team, admin = factories.team("payments"), factories.administrator()
    update_team(actor=admin, team_id=team.pk, name="Pay & Ments", contact="#pay")
    entry = LedgerEntry.objects.first()

    page = signed_in(admin).get(reverse("ledger:entry", args=[entry.sequence])).content.decode()

    assert "Pay &amp; Ments" in page
    assert entry.hash in page
    assert entry.previous_hash in page
    assert [change.field for change in changes_of(entry)] == ["name", "contact"]


def test_text_in_the_trail_is_shown_as_text() -> None:
    team, admin = factories.team("payments"), factories.administrator()
    update_team(actor=admin, team_id=team.pk, name="<script>alert(1)</script>", contact="{{ 7 }}")
    entry, client = LedgerEntry.objects.first(), signed_in(admin)

    pages = client.get(reverse("ledger:list")), client.get(reverse("ledger:entry", args=[entry.sequence]))

    assert all("<script>alert" not in page.content.decode() for page in pages)


def test_facts_beside_before_and_after_are_kept_apart() -> None:
    entry = LedgerEntry(details={"before": "draft", "after": "approved", "reason": "because", "list": [1, "b"]})

    assert [(change.before, change.after) for change in changes_of(entry)] == [("draft", "approved")]
    assert facts_of(entry) == [("reason", "because"), ("list", "1, b")]


def story_of(user: User, *subjects: Team | User) -> str:
    names = {f"subject{number}": subject for number, subject in enumerate(subjects)}
    template = Template("{% load ledger_tags %}{% story " + " ".join(names) + " %}")
    return template.render(Context({"user": user, **names}))


def test_the_story_of_several_subjects_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first, second, auditor = factories.team("first"), factories.team("second"), factories.person(roles=(Role.AUDITOR,))
    for turn in range(12):
        record("team.tried", actor=None, subject=first, turn=turn)
    assert auditor.sees_every_team

    with django_assert_num_queries(1):
        story = story_of(auditor, first, second)

    assert "First" in story
    assert "Second" in story


def test_the_story_shows_only_what_the_reader_may_see() -> None:
    ours, theirs = factories.team("ours"), factories.team("theirs")

    story = story_of(factories.member(ours), ours, theirs)

    assert "Ours" in story
    assert "Theirs" not in story


@pytest.mark.parametrize("rows", [2, 30])
def test_the_list_takes_the_same_number_of_queries_however_long(
    django_assert_max_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    team, admin = factories.team(), factories.administrator()
    for turn in range(rows):
        record("team.tried", actor=admin, subject=team, turn=turn)
    client = signed_in(admin)

    with django_assert_max_num_queries(6):
        client.get(reverse("ledger:list"))
