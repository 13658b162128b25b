"""Pages and API of the review."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audits.models import Campaign, CampaignRow
from tests import factories
from tests.audits.factories import House, in_days


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_a_lead_finds_their_rows_and_decides_one(db) -> None:
    house, others = House(), House()
    foreign = others.entry("other.example.com")
    campaign = house.campaign(entries=2)
    row, _second = house.rows(campaign)
    lead = signed_in(house.other_lead)
    address = reverse("audits:campaign", args=[campaign.quarter])

    page = lead.get(address).content.decode()
    assert row.entry.passport in page
    assert foreign.passport not in page
    chosen = {"rows": [row.pk], "decision": "keep", "new_end_at": in_days(100).date().isoformat(), "note": ""}
    answer = lead.post(reverse("audits:decide", args=[campaign.quarter]), chosen)

    assert answer.status_code == 302
    row.refresh_from_db()
    assert row.decision == "keep"
    assert row.entry.passport in lead.get(address, {"decision": "keep"}).content.decode()


def test_what_was_typed_stays_when_it_is_refused(db) -> None:
    house = House()
    campaign = house.campaign(entries=2)
    rows = house.rows(campaign)
    address = reverse("audits:decide", args=[campaign.quarter])
    lead = signed_in(house.other_lead)

    nothing = lead.post(address, {"decision": "revoke", "note": "Replaced by another provider."})
    unreasoned = lead.post(address, {"rows": [row.pk for row in rows], "decision": "revoke", "note": ""})
    endless = lead.post(address, {"rows": [rows[0].pk], "decision": "keep", "new_end_at": "", "note": "Why not."})

    assert [nothing.status_code, unreasoned.status_code, endless.status_code] == [422, 422, 422]
    assert "Replaced by another provider." in nothing.content.decode()
    assert unreasoned.content.decode().count(" checked") >= 2
    assert "name its new end" in endless.content.decode()
    assert not CampaignRow.objects.exclude(decision="").exists()


def test_the_requester_is_told_why_they_cannot_keep_it(db) -> None:
    house = House()
    campaign = house.campaign()
    (row,) = house.rows(campaign)
    chosen = {"rows": [row.pk], "decision": "keep", "new_end_at": in_days(100).date().isoformat()}

    answer = signed_in(house.lead).post(reverse("audits:decide", args=[campaign.quarter]), chosen)

    assert answer.status_code == 422
    assert "You asked for this entry yourself" in answer.content.decode()


def test_a_bulk_decision_reports_each_row(db) -> None:
    house = House()
    campaign = house.campaign(entries=2)
    rows = [row.pk for row in house.rows(campaign)]
    chosen = {"rows": rows, "decision": "keep", "new_end_at": in_days(100).date().isoformat(), "note": "All in use."}

    mine = signed_in(house.lead).post(reverse("audits:decide", args=[campaign.quarter]), chosen, follow=True)
    theirs = signed_in(house.reviewer).post(reverse("audits:decide", args=[campaign.quarter]), chosen, follow=True)

    assert mine.content.decode().count("You asked for this entry yourself") == 2
    assert "2 entries are decided." in theirs.content.decode()


def test_rows_of_another_team_cannot_be_chosen(db) -> None:
    house, others = House(), House()
    others.entry()
    campaign = house.campaign()
    (foreign,) = others.rows(campaign)

    answer = signed_in(house.other_lead).post(
        reverse("audits:decide", args=[campaign.quarter]), {"rows": [foreign.pk], "decision": "revoke"}
    )

    assert answer.status_code == 422
    foreign.refresh_from_db()
    assert foreign.decision == ""


def test_only_a_security_reviewer_closes(db) -> None:
    house = House()
    campaign = house.campaign()
    address = reverse("audits:close", args=[campaign.quarter])

    signed_in(house.lead).post(address)
    assert Campaign.objects.get().state == "open"
    signed_in(house.reviewer).post(address)
    assert Campaign.objects.get().state == "closed"


def test_odd_input_is_answered_and_never_an_error(db) -> None:
    house = House()
    campaign = house.campaign()
    client = signed_in(house.reviewer)
    address = reverse("audits:campaign", args=[campaign.quarter])

    for query in (
        {"page": "x"},
        {"page": "999"},
        {"decision": "?"},
        {"usage": "'"},
        {"team": "x" * 500},
        {"text": "é"},
    ):
        assert client.get(address, query).status_code == 200
    assert client.get("/campaigns/2026-Q9/").status_code == 404
    assert client.get("/campaigns/1999-Q1/").status_code == 404
    odd = {"rows": ["not a uuid"], "decision": "maybe", "new_end_at": "9999-12-31"}
    assert client.post(reverse("audits:decide", args=[campaign.quarter]), odd).status_code == 422


def test_the_number_of_queries_does_not_grow_with_the_rows(db) -> None:
    house = House()
    campaign = house.campaign(entries=2)
    client = signed_in(house.reviewer)
    addresses = [
        reverse("audits:campaign", args=[campaign.quarter]),
        reverse("audits:list"),
        "/api/v1/campaigns/",
        "/api/v1/campaign-rows/",
    ]
    few = [queries_of(client, address) for address in addresses]
    late = [house.entry() for _ in range(10)]
    CampaignRow.objects.bulk_create(copies_of(house.rows(campaign)[0], late))

    assert [queries_of(client, address) for address in addresses] == few


def copies_of(row: CampaignRow, entries: list) -> list[CampaignRow]:
    fields = ("campaign", "team", "destination", "ports", "justification", "expires_at", "entry_created_at", "usage")
    return [CampaignRow(entry=entry, **{name: getattr(row, name) for name in fields}) for entry in entries]


def test_the_api_decides_one_and_many_and_closes(db) -> None:
    house = House()
    campaign = house.campaign(entries=3)
    first, *others = house.rows(campaign)
    client = signed_in(house.reviewer)

    rows = client.get("/api/v1/campaign-rows/", {"quarter": campaign.quarter, "decision": "undecided"}).json()
    assert rows["count"] == 3
    kept = client.post(
        f"/api/v1/campaign-rows/{first.pk}/decide/",
        {"decision": "keep", "new_end_at": in_days(50).isoformat()},
        content_type="application/json",
    )
    assert (kept.status_code, kept.json()["decision"]) == (200, "keep")
    many = client.post(
        "/api/v1/campaign-rows/decide/",
        {"rows": [str(row.pk) for row in others], "decision": "revoke", "note": "Replaced."},
        content_type="application/json",
    )
    assert [one["decided"] for one in many.json()] == [True, True]
    tally = client.get(f"/api/v1/campaigns/{campaign.quarter}/").json()["tally"]
    assert tally == {"kept": 1, "revoked": 2, "undecided": 0, "total": 3}
    closed = client.post(f"/api/v1/campaigns/{campaign.quarter}/close/", content_type="application/json")
    assert closed.json()["state"] == "closed"


def test_a_person_without_a_team_sees_the_campaign_and_no_row(db) -> None:
    house = House()
    campaign = house.campaign()
    client = signed_in(factories.person())

    page = client.get(reverse("audits:campaign", args=[campaign.quarter]))

    assert page.status_code == 200
    assert house.rows(campaign)[0].entry.passport not in page.content.decode()
    assert client.get("/api/v1/campaign-rows/").json()["count"] == 0
