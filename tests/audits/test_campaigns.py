"""One campaign a quarter, decided by the right people, carried out once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.services import create_automation_account
from allowlist.proposals import Proposal
from audits.errors import CampaignClosed, InvalidDecision, MayNotClose, MayNotDecide, NotYetOver, OwnEntry, UnknownRow
from audits.models import Campaign, CampaignRow
from audits.quarters import deadline_for, end_of_quarter, quarter_of
from audits.services import (
    carry_out,
    close_campaign,
    close_overdue,
    decide_row,
    decide_rows,
    ensure_campaign,
    remind,
)
from audits.services.closing import SYSTEM_EMAIL
from governance.models import EgressRequest
from governance.services import create_request, withdraw_request
from ledger.models import LedgerEntry
from notifications.models import Notification
from tests import factories
from tests.audits.factories import House, in_days


@pytest.mark.parametrize(
    ("at", "quarter"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-Q1"),
        (datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), "2026-Q1"),
        (datetime(2026, 4, 1, tzinfo=UTC), "2026-Q2"),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2026-Q4"),
        (datetime.fromisoformat("2027-01-01T00:30:00+02:00"), "2026-Q4"),
    ],
)
def test_quarters_are_those_of_utc(at: datetime, quarter: str) -> None:
    assert quarter_of(at) == quarter


def test_a_campaign_ends_within_its_quarter_but_never_within_the_week() -> None:
    early, late = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 30, tzinfo=UTC)

    assert deadline_for(early) == early + timedelta(days=28)
    assert deadline_for(late) == late + timedelta(days=7)
    assert deadline_for(datetime(2026, 12, 20, tzinfo=UTC)) == end_of_quarter(late)


def test_nothing_in_force_opens_no_campaign(db) -> None:
    assert ensure_campaign() is None
    assert not Campaign.objects.exists()


def test_the_second_call_gives_the_first_campaign(db) -> None:
    house = House()
    first = house.campaign(entries=2)
    house.entry()

    assert ensure_campaign() == first
    assert first.rows.count() == 2
    assert LedgerEntry.objects.filter(action="campaign.opened").count() == 1


def test_a_row_keeps_what_was_known_when_it_opened(db) -> None:
    house = House()
    entry = house.entry("pay.example.com")
    row = ensure_campaign().rows.get()

    assert (row.entry, row.team, row.destination, row.ports) == (entry, house.team, "pay.example.com", "443/tcp")
    assert (row.usage, row.last_seen_at) == ("unknown", None)
    assert "no complete hour of log" in row.usage_reason
    told = Notification.objects.filter(topic="campaign").values_list("recipient", flat=True)
    assert set(told) == {house.lead.pk, house.other_lead.pk}


def test_the_next_quarter_has_a_campaign_of_its_own(db) -> None:
    house = House()
    house.entry(days=300)
    now = timezone.now()

    campaigns = {ensure_campaign(at).pk for at in (now, now, end_of_quarter(now), end_of_quarter(now))}

    assert len(campaigns) == 2


@pytest.mark.django_db(transaction=True)
def test_eight_callers_at_once_open_one_campaign() -> None:
    House().entry()
    together, got = threading.Barrier(8), []

    def ensure() -> None:
        try:
            together.wait(30)
            got.append(ensure_campaign().pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ensure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(got) == 8
    assert len(set(got)) == 1
    assert CampaignRow.objects.count() == 1
    assert LedgerEntry.objects.filter(action="campaign.opened").count() == 1
    keys = Notification.objects.values_list("recipient_id", "deduplication_key")
    assert len(keys) == len(set(keys))


def test_keeping_moves_the_end_of_the_entry_at_once(db) -> None:
    house = House()
    (row,) = house.rows(house.campaign())

    decide_row(actor=house.other_lead, row_id=row.pk, decision="keep", new_end_at=in_days(200), note="Still used.")

    row.entry.refresh_from_db()
    assert row.entry.in_non_production.expires_at > in_days(199)
    assert row.entry.in_non_production.number == 2
    row.refresh_from_db()
    assert (row.decision, row.decided_by) == ("keep", house.other_lead)


def test_the_person_who_asked_for_it_cannot_keep_it_but_may_revoke_it(db) -> None:
    house = House()
    (row,) = house.rows(house.campaign())

    with pytest.raises(OwnEntry):
        decide_row(actor=house.lead, row_id=row.pk, decision="keep", new_end_at=in_days(30))
    decide_row(actor=house.lead, row_id=row.pk, decision="revoke", note="We do not need it.")

    row.refresh_from_db()
    assert row.decision == "revoke"


def test_a_lead_who_kept_it_last_time_may_keep_it_again(db) -> None:
    house = House()
    (row,) = house.rows(house.campaign())
    decide_row(actor=house.other_lead, row_id=row.pk, decision="keep", new_end_at=in_days(200))

    decide_row(actor=house.other_lead, row_id=row.pk, decision="keep", new_end_at=in_days(300))

    assert CampaignRow.objects.get().new_end_at > in_days(299)


def test_only_leads_of_the_team_and_security_reviewers_decide(db) -> None:
    house, strangers = House(), House()
    (row,) = house.rows(house.campaign())
    program = create_automation_account(
        actor=factories.administrator(), email="bot@example.com", display_name="Bot", responsible=house.reviewer
    )
    for actor, error in (
        (factories.member(house.team), MayNotDecide),
        (strangers.lead, UnknownRow),
        (factories.platform_engineer(), MayNotDecide),
        (program, UnknownRow),
    ):
        with pytest.raises(error):
            decide_row(actor=actor, row_id=row.pk, decision="revoke")
    assert decide_row(actor=house.reviewer, row_id=row.pk, decision="revoke").decided_by == house.reviewer


@pytest.mark.parametrize("days", [None, -1, 400])
def test_a_kept_entry_needs_an_end_within_a_year(db, days) -> None:
    house = House()
    (row,) = house.rows(house.campaign())

    with pytest.raises(InvalidDecision) as caught:
        decide_row(
            actor=house.reviewer, row_id=row.pk, decision="keep", new_end_at=None if days is None else in_days(days)
        )

    assert caught.value.details["field"] == "new_end_at"
    row.refresh_from_db()
    assert row.decision == ""


def test_in_bulk_each_row_is_decided_for_itself(db) -> None:
    house, others = House(), House()
    foreign_entry = others.entry()
    campaign = house.campaign(entries=2)
    foreign_row = campaign.rows.get(entry=foreign_entry)
    rows = [*house.rows(campaign), foreign_row]

    results = decide_rows(
        actor=house.other_lead,
        row_ids=[row.pk for row in rows],
        decision="revoke",
        note="The provider was replaced.",
    )

    assert [one.is_decided for one in results] == [True, True, False]
    assert results[2].code == "unknown_campaign_row"
    assert results[2].passport == ""
    assert CampaignRow.objects.undecided().get() == foreign_row
    with pytest.raises(InvalidDecision):
        decide_rows(actor=house.other_lead, row_ids=[rows[0].pk], decision="revoke", note=" ")


def test_reminders_go_out_a_week_and_a_day_before_once_each(db) -> None:
    house = House()
    campaign = house.campaign(entries=2)
    decided, _open = house.rows(campaign)
    decide_row(actor=house.reviewer, row_id=decided.pk, decision="revoke")
    end = campaign.deadline_at

    sent = [remind(end - before) for before in (timedelta(days=8), timedelta(days=7), timedelta(days=6))]
    sent += [remind(end - before) for before in (timedelta(days=1), timedelta(hours=2))]

    assert sent == [0, 1, 0, 1, 0]
    reminders = Notification.objects.filter(topic="campaign-reminder", recipient=house.lead)
    assert reminders.count() == 2
    assert "1 entries" in reminders.first().subject


def test_a_late_reminder_is_sent_once_for_both(db) -> None:
    house = House()
    campaign = house.campaign()

    assert remind(campaign.deadline_at - timedelta(hours=1)) == 1
    assert remind(campaign.deadline_at - timedelta(minutes=30)) == 0


def test_closing_turns_decisions_and_silence_into_requests_once(db) -> None:
    house = House()
    campaign = house.campaign(entries=3)
    kept, revoked, silent = house.rows(campaign)
    decide_row(actor=house.other_lead, row_id=kept.pk, decision="keep", new_end_at=in_days(90))
    decide_row(actor=house.other_lead, row_id=revoked.pk, decision="revoke", note="Replaced.")
    with pytest.raises(NotYetOver):
        close_campaign(actor=None, campaign_id=campaign.pk)
    late = campaign.deadline_at + timedelta(seconds=1)

    assert close_overdue(late) == 1
    assert close_overdue(late) == 0
    assert carry_out(late) == 3
    assert carry_out(late) == 0

    requests = {request.entry_id: request for request in EgressRequest.objects.all()}
    assert set(requests) == {revoked.entry_id, silent.entry_id}
    assert {one.kind for one in requests.values()} == {"revoke"}
    assert {one.state for one in requests.values()} == {"in-review"}
    assert requests[revoked.entry_id].requester == house.other_lead
    assert "Replaced." in requests[revoked.entry_id].justification
    assert requests[silent.entry_id].requester.email == SYSTEM_EMAIL
    silent.refresh_from_db()
    assert silent.request == requests[silent.entry_id]
    assert LedgerEntry.objects.filter(action="campaign.revocation-requested").count() == 2


def test_silence_keeps_where_the_campaign_says_so(db) -> None:
    house = House()
    campaign = house.campaign()
    Campaign.objects.update(on_silence="keep")

    close_overdue(campaign.deadline_at + timedelta(seconds=1))
    carry_out()

    assert not EgressRequest.objects.exists()
    assert "stays until its end" in CampaignRow.objects.get().outcome


def test_a_closed_campaign_takes_no_decision(db) -> None:
    house = House()
    campaign = house.campaign()
    (row,) = house.rows(campaign)
    with pytest.raises(MayNotClose):
        close_campaign(actor=house.lead, campaign_id=campaign.pk)
    close_campaign(actor=house.reviewer, campaign_id=campaign.pk)

    with pytest.raises(CampaignClosed):
        decide_row(actor=house.reviewer, row_id=row.pk, decision="revoke")
    with pytest.raises(CampaignClosed):
        close_campaign(actor=house.reviewer, campaign_id=campaign.pk)


def test_a_revocation_that_is_asked_for_already_is_joined_and_another_change_waited_for(db) -> None:
    house = House()
    campaign = house.campaign(entries=2)
    asked, changed = house.rows(campaign)
    revocation = create_request(actor=house.lead, team_id=house.team.pk, kind="revoke", entry_id=asked.entry_id)
    renewed = Proposal.of_revision(changed.entry.latest, expires_at=in_days(120))
    other = create_request(
        actor=house.lead, team_id=house.team.pk, kind="renew", entry_id=changed.entry_id, proposal=renewed
    )
    close_campaign(actor=house.reviewer, campaign_id=campaign.pk)

    assert carry_out() == 1

    asked.refresh_from_db()
    changed.refresh_from_db()
    assert asked.request == revocation
    assert (changed.request, changed.carried_out_at) == (None, None)
    assert changed.outcome.startswith("Waits")
    withdraw_request(actor=house.lead, request_id=other.pk)
    assert carry_out() == 1
    changed.refresh_from_db()
    assert changed.request.kind == "revoke"


def test_an_entry_that_ended_meanwhile_needs_no_request(db) -> None:
    house = House()
    house.entry(days=1)
    campaign = ensure_campaign()
    close_overdue(campaign.deadline_at + timedelta(seconds=1))

    assert carry_out(campaign.deadline_at + timedelta(seconds=1)) == 1
    assert not EgressRequest.objects.exists()
    assert "ended already" in CampaignRow.objects.get().outcome
