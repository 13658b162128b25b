"""Every number on the home page agrees with the list that it links to, and costs the same however much there is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from audits.services import ensure_campaign
from config.home import tiles_for
from flows.services import ingest
from governance.models import EgressRequest
from governance.services import create_request
from rollouts.services import advance
from tests import factories
from tests.allowlist.factories import entry_in_force, fleet, proposal, revision
from tests.flows import factories as sent

pytestmark = pytest.mark.django_db
LINKS_TO_A_WIDER_LIST = "/clusters/"


@pytest.fixture
def payments() -> Team:
    team = factories.team("payments")
    clusters = fleet(team)
    sender, _secret = sent.source(clusters["production"])
    _happenings(team, 1)
    denied = sent.event(namespace="payments", verdict="DROPPED", drop_reason_desc="POLICY_DENIED")
    ingest(source=sender, body=sent.body(denied), batch_key="one")
    ensure_campaign(timezone.now())
    return team


def _happenings(team: Team, count: int) -> None:
    for number in range(count):
        entry_in_force(team, proposal(f"soon-{number}.example.com", days=10))
        revision(team, proposal(f"new-{number}.example.com"))
        create_request(
            actor=factories.member(team),
            team_id=team.pk,
            kind=EgressRequest.Kind.ADD,
            proposal=proposal(f"asked-{number}.example.com"),
        )
    advance(timezone.now() + timedelta(seconds=1))


def _people(team: Team) -> list[User]:
    return [factories.lead(team), factories.reviewer(), factories.platform_engineer(), factories.administrator()]


def test_each_number_is_that_of_the_list_behind_it(client: Client, payments: Team) -> None:
    compared = 0
    for user in _people(payments):
        client.force_login(user)
        for tile in tiles_for(user, at=timezone.now()):
            response = client.get(tile.address)
            assert response.status_code == 200
            if tile.address != LINKS_TO_A_WIDER_LIST:
                assert response.context["page_obj"].paginator.count == tile.count, str(tile.title)
                compared += tile.count
    assert compared > 8


def test_a_lead_is_told_of_what_is_theirs_and_a_stranger_of_nothing(payments: Team) -> None:
    stranger = factories.lead(factories.team("storefront"))

    assert {tile.count for tile in tiles_for(stranger, at=timezone.now())} == {0}
    assert [tile.count for tile in tiles_for(factories.lead(payments), at=timezone.now())] == [1, 1, 1, 2]


def test_more_to_tell_costs_no_more_queries(client: Client, payments: Team) -> None:
    engineer = factories.platform_engineer()
    client.force_login(engineer)
    client.get("/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/")
    _happenings(payments, 5)
    with CaptureQueriesContext(connection) as many:
        client.get("/")

    assert len(many) == len(few)


def test_only_who_acts_for_a_team_is_offered_a_request(client: Client, payments: Team) -> None:
    offer = "Request a destination"
    client.force_login(factories.member(payments))
    assert offer in client.get("/").content.decode()

    client.force_login(factories.person(roles=("auditor",)))
    assert offer not in client.get("/").content.decode()
