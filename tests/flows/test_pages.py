import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flows.models import FlowSource
from flows.services import ingest
from tests import factories
from tests.allowlist.factories import proposal, revision
from tests.clusters import factories as fleet
from tests.flows.factories import body, event, source

pytestmark = pytest.mark.django_db
DENIED = {"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED"}


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response) -> str:
    return html.unescape(response.content.decode())


@pytest.fixture
def shop():
    team = factories.team("shop-team")
    cluster = fleet.cluster("stage-1", stage="staging", owner=team)
    fleet.namespace(cluster, "shop", team=team)
    return team, cluster, source(cluster)[0]


def test_a_denied_flow_leads_to_a_request_that_is_filled_in(shop):
    team, _cluster, sender = shop
    ingest(source=sender, body=body(event(**DENIED), event(names=(), address="2001:db8::7", protocol="UDP", **DENIED)))

    shown = text_of(signed_in(factories.member(team)).get("/denied-flows/"))

    links = [parse_qs(urlsplit(link).query) for link in re.findall(r'href="([^"]*/requests/new/\?[^"]*)"', shown)]
    assert {
        "team": ["shop-team"],
        "destination": ["api.example.com"],
        "ports": ["443/tcp"],
        "namespaces": ["shop"],
        "environments": ["staging"],
        "origin": ["denied-flow"],
    } in links
    assert ["2001:db8::7/128"] in [link["destination"] for link in links]
    assert ["443/udp"] in [link["ports"] for link in links]


def test_the_filled_in_request_opens(shop):
    team, _cluster, sender = shop
    ingest(source=sender, body=body(event(**DENIED)))
    member = signed_in(factories.member(team))
    link = re.search(r'href="([^"]*/requests/new/\?[^"]*)"', text_of(member.get("/denied-flows/"))).group(1)

    shown = text_of(member.get(link))

    assert 'value="api.example.com"' in shown
    assert 'value="443/tcp"' in shown


def test_whoever_does_not_act_for_the_team_gets_no_button(shop):
    _team, _cluster, sender = shop
    ingest(source=sender, body=body(event(**DENIED)))

    shown = text_of(signed_in(factories.reviewer()).get("/denied-flows/"))

    assert "api.example.com" in shown
    assert "Request this" not in shown


def test_names_out_of_a_log_are_shown_as_text(shop):
    team, _cluster, sender = shop
    hostile = event(names=("<script>alert(1)</script>",), address="203.0.113.9", **DENIED)
    ingest(source=sender, body=body(hostile))

    response = signed_in(factories.member(team)).get("/denied-flows/")

    assert b"<script>alert" not in response.content
    assert "203.0.113.9" in text_of(response)


@pytest.mark.parametrize(
    "query", ["", "?days=30", "?days=x", "?environment=nope", "?text=%00", "?page=7", "?team=shop-team"]
)
def test_the_list_takes_any_query(shop, query):
    assert signed_in(factories.reviewer()).get(f"/denied-flows/{query}").status_code == 200


def test_a_token_is_shown_once_and_then_works(shop):
    _team, cluster, _sender = shop
    engineer = signed_in(factories.platform_engineer())

    made = engineer.post(f"/clusters/{cluster.name}/flow-sources/", {"name": "node exporter"})

    secret = re.search(r"spf_[\w-]{43}", text_of(made)).group(0)
    assert made["Cache-Control"] == "no-store"
    again = engineer.get(f"/clusters/{cluster.name}/flow-sources/")
    assert secret not in text_of(again)
    delivered = Client().post(
        "/api/v1/flows/ingest/",
        body(event()),
        content_type="application/x-ndjson",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert delivered.status_code == 202
    assert "node exporter" in text_of(engineer.get(f"/clusters/{cluster.name}/flow-sources/"))


@pytest.mark.parametrize("name", ["", "hubble", "nul\x00", "x" * 81])
def test_a_bad_name_is_422_and_stays(shop, name):
    _team, cluster, _sender = shop

    response = signed_in(factories.platform_engineer()).post(f"/clusters/{cluster.name}/flow-sources/", {"name": name})

    assert response.status_code == 422
    assert "field-error" in text_of(response)
    assert FlowSource.objects.count() == 1


def test_a_source_is_revoked_by_page(shop):
    _team, cluster, sender = shop

    signed_in(factories.platform_engineer()).post(f"/clusters/{cluster.name}/flow-sources/{sender.pk}/revoke/")

    sender.refresh_from_db()
    assert sender.revoked_at is not None


def test_others_see_the_sources_of_their_clusters_and_change_nothing(shop):
    team, cluster, sender = shop
    lead, stranger = signed_in(factories.lead(team)), signed_in(factories.member(factories.team()))
    path = f"/clusters/{cluster.name}/flow-sources/"

    assert "Make a token" not in text_of(lead.get(path))
    assert lead.post(path, {"name": "mine"}).status_code == 422
    assert lead.post(f"{path}{sender.pk}/revoke/").status_code == 403
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}{sender.pk}/revoke/").status_code == 404
    assert FlowSource.objects.filter(revoked_at=None).count() == 1


def test_a_clusters_page_says_when_nobody_logs_its_flows():
    fleet.cluster("atlas")

    shown = text_of(signed_in(factories.platform_engineer()).get("/clusters/atlas/"))

    assert "Nobody sends flow records of this cluster" in shown


def test_an_entry_shows_who_uses_it(shop):
    team, cluster, sender = shop
    fleet.enforcement_point(cluster)
    early = timezone.now() - timedelta(days=1)
    entry = revision(team, proposal("api.example.com", namespaces=("shop",)), at=early).entry
    ingest(source=sender, body=body(event()))

    shown = Template("{% load flows_tags %}{% entry_usage entry %}").render(Context({"entry": entry}))

    assert "checkout" in shown
    assert "Used" in shown


def test_the_list_takes_a_constant_number_of_queries(shop):
    team, _cluster, sender = shop
    client = signed_in(factories.member(team))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/denied-flows/").status_code == 200
        return len(captured)

    ingest(source=sender, body=body(*(event(workload=f"w{n}", **DENIED) for n in range(2))))
    queries()
    few = queries()
    ingest(source=sender, body=body(*(event(workload=f"v{n}", **DENIED) for n in range(12))))
    assert queries() == few
