import gzip
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import issue_token
from clusters.services import retire_cluster
from flows import api
from flows.models import EntryUsage, FlowBatch, FlowRollup, FlowSource
from flows.services import ingest, revoke_source
from tests import factories
from tests.allowlist.factories import proposal, revision
from tests.clusters import factories as fleet
from tests.flows.factories import body, event, source

pytestmark = pytest.mark.django_db
INGEST = "/api/v1/flows/ingest/"
DENIED = {"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED"}


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def deliver(secret: str, content: bytes, *, content_type: str = "application/x-ndjson", **headers: str):
    return Client().post(
        INGEST, content, content_type=content_type, headers={"Authorization": f"Bearer {secret}", **headers}
    )


def test_a_batch_is_taken_and_told_line_by_line():
    sender, secret = source()

    response = deliver(secret, body(event(), b"{", event(traffic_direction="INGRESS")), **{"X-Batch-Id": "n1/17"})

    assert response.status_code == 202, response.content
    told = response.json()
    assert (told["lines"], told["flows"], told["skipped"], told["rejected"]) == (3, 1, 1, 1)
    assert told["batch_key"] == "n1/17"
    assert told["rejections"] == [{"line": 2, "reason": "not readable as JSON"}]
    sender.refresh_from_db()
    assert sender.last_batch_at is not None


def test_the_same_batch_again_is_welcome_and_adds_nothing():
    _sender, secret = source()
    content = gzip.compress(body(event()))
    deliver(secret, content)

    again = deliver(secret, content, **{"Content-Encoding": "gzip"})

    assert again.status_code == 200
    assert again.json()["is_repeated"] is True
    assert FlowRollup.objects.get().flow_count == 1


@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "application/json", "application/x-www-form-urlencoded", "text/plain"]
)
def test_the_body_is_taken_as_it_is_whatever_it_calls_itself(content_type):
    _sender, secret = source()

    assert deliver(secret, body(event()), content_type=content_type).json()["flows"] == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer nonsense",
        "Bearer spf_" + "x" * 43,
        "Bearer spf_\x00",
        "Token {secret}",
        "Bearer {secret} x",
    ],
)
def test_anything_but_the_token_of_an_active_source_is_refused(header):
    _sender, secret = source()
    headers = {"Authorization": header.format(secret=secret)} if header else {}

    response = Client().post(INGEST, body(event()), content_type="application/x-ndjson", headers=headers)

    assert response.status_code == 401
    assert not FlowBatch.objects.exists()


def test_a_revoked_source_and_a_retired_cluster_send_nothing_more():
    engineer = factories.platform_engineer()
    revoked, first = source()
    retired, second = source(fleet.cluster())
    revoke_source(actor=engineer, source_id=revoked.pk)
    retire_cluster(actor=engineer, cluster_id=retired.cluster_id, reason="gone")

    assert deliver(first, body(event())).status_code == 401
    assert deliver(second, body(event())).status_code == 401


def test_a_persons_session_or_token_does_not_open_the_ingest():
    engineer = factories.platform_engineer()
    _token, secret = issue_token(
        actor=engineer,
        user_id=engineer.pk,
        label="all",
        scopes=["read", "operate", "administer"],
        expires_at=timezone.now() + timedelta(days=1),
    )

    assert signed_in(engineer).post(INGEST, b"", content_type="application/x-ndjson").status_code == 401
    assert deliver(secret, body(event())).status_code == 401


def test_a_sources_token_opens_nothing_else():
    _sender, secret = source()
    for header in (f"Bearer {secret}", f"Token {secret}"):
        response = Client().get("/api/v1/clusters/", headers={"Authorization": header})
        assert response.status_code in {401, 403}


def test_two_sources_of_two_clusters_cannot_speak_for_each_other():
    sender, _secret = source()
    other, other_secret = source(fleet.cluster())

    deliver(other_secret, body(event(source={"namespace": "shop", "cluster_name": sender.cluster.name})))

    assert set(FlowRollup.objects.values_list("cluster", flat=True)) == {other.cluster_id}


def test_a_body_over_the_limit_is_refused(monkeypatch):
    _sender, secret = source()
    monkeypatch.setattr(api, "MAX_BODY_BYTES", 1000)

    response = deliver(secret, b"x" * 2000)

    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


def test_a_plain_body_may_be_larger_than_a_form():
    _sender, secret = source()
    content = body(*(event(labels=("k8s:app=" + "x" * 300,) * 8) for _ in range(2500)))
    assert len(content) > 5 << 20

    assert deliver(secret, content).json()["flows"] == 2500


@pytest.mark.parametrize(
    ("content", "headers", "code"),
    [
        (b"\x1f\x8bdamaged", {}, "unreadable_body"),
        (b"", {}, "invalid_batch_id"),
        (b"{}", {"X-Batch-Id": "x" * 101}, "invalid_batch_id"),
    ],
)
def test_a_batch_that_cannot_be_taken_says_why(content, headers, code):
    _sender, secret = source()

    response = deliver(secret, content, **headers)

    assert response.status_code == 422
    assert response.json()["code"] == code


def test_a_source_is_made_with_its_token_shown_once():
    cluster = fleet.cluster()
    client = signed_in(factories.platform_engineer())

    made = client.post(
        "/api/v1/flow-sources/", {"cluster": cluster.name, "name": "hubble"}, content_type="application/json"
    )

    assert made.status_code == 201, made.content
    secret = made.json()["secret"]
    assert deliver(secret, body(event())).status_code == 202
    assert secret not in client.get("/api/v1/flow-sources/").content.decode()
    key = made.json()["id"]
    assert client.post(f"/api/v1/flow-sources/{key}/revoke/").json()["revoked_at"] is not None
    assert deliver(secret, body(event())).status_code == 401


def test_only_those_who_run_the_fleet_make_sources():
    team = factories.team()
    cluster = fleet.cluster(owner=team)

    response = signed_in(factories.lead(team)).post(
        "/api/v1/flow-sources/", {"cluster": cluster.name, "name": "mine"}, content_type="application/json"
    )

    assert response.status_code == 403
    assert not FlowSource.objects.exists()


def test_denied_flows_are_grouped_across_hours_and_clusters():
    team = factories.team("shop-team")
    now = timezone.now()
    for stage in ("staging", "production"):
        cluster = fleet.cluster(f"{stage}-1", stage=stage)
        fleet.namespace(cluster, "shop", team=team)
        ingest(
            source=source(cluster)[0],
            body=body(*(event(at=now - timedelta(hours=hours), **DENIED) for hours in (1, 3, 5)), event()),
        )

    groups = signed_in(factories.member(team)).get("/api/v1/denied-flows/").json()["results"]

    assert len(groups) == 1
    group = groups[0]
    assert (group["team"], group["destination"], group["port"], group["flow_count"]) == (
        "shop-team",
        "api.example.com",
        443,
        6,
    )
    assert group["clusters"] == ["production-1", "staging-1"]
    assert group["environments"] == ["production", "staging"]


def test_denied_flows_of_others_are_not_shown():
    team, other = factories.team(), factories.team()
    cluster = fleet.cluster()
    fleet.namespace(cluster, "shop", team=team)
    ingest(source=source(cluster)[0], body=body(event(**DENIED)))

    assert signed_in(factories.member(other)).get("/api/v1/denied-flows/").json()["count"] == 0
    assert signed_in(factories.reviewer()).get("/api/v1/denied-flows/").json()["count"] == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("days=30", 3),
        ("days=1", 1),
        ("text=API", 2),
        ("text=203.0", 0),
        ("namespace=shop", 2),
        ("environment=staging", 2),
        ("environment=production", 0),
        ("team=shop-team", 2),
        ("verdict=would_deny", 1),
        ("text=%00", None),
        ("days=x", None),
    ],
)
def test_denied_flows_are_narrowed(query, count):
    team = factories.team("shop-team")
    cluster = fleet.cluster()
    fleet.namespace(cluster, "shop", team=team)
    now = timezone.now()
    ingest(
        source=source(cluster)[0],
        body=body(
            event(at=now - timedelta(hours=1), **DENIED),
            event(at=now - timedelta(days=2), workload="other", verdict="AUDIT"),
            event(at=now - timedelta(days=20), names=(), **DENIED),
        ),
    )

    response = signed_in(factories.member(team)).get(f"/api/v1/denied-flows/?{query}")

    if count is None:
        assert response.status_code == 400
    else:
        assert response.json()["count"] == count


def test_an_entrys_use_is_told_with_what_is_not_known():
    team = factories.team()
    cluster = fleet.cluster(owner=team)
    fleet.namespace(cluster, "shop", team=team)
    fleet.enforcement_point(cluster)
    early = timezone.now() - timedelta(days=2)
    used = revision(team, proposal("api.example.com", namespaces=("shop",)), at=early).entry
    silent = revision(team, proposal("silent.example.com", namespaces=("shop",)), at=early).entry
    ingest(source=source(cluster)[0], body=body(event()))
    client = signed_in(factories.member(team))

    told = client.get(f"/api/v1/flows/usage/{used.passport}/").json()
    assert (told["verdict"], told["caller_count"], told["callers"][0]["workload"]) == ("used", 1, "checkout")
    assert client.get(f"/api/v1/flows/usage/{silent.passport}/").json()["verdict"] == "unknown"
    stranger = signed_in(factories.member(factories.team()))
    assert stranger.get(f"/api/v1/flows/usage/{used.passport}/").status_code == 404
    assert EntryUsage.objects.count() == 1


@pytest.mark.parametrize("path", ["/api/v1/denied-flows/", "/api/v1/flow-sources/"])
def test_lists_take_a_constant_number_of_queries(path):
    client = signed_in(factories.reviewer())

    def fill(count: int) -> None:
        for number in range(count):
            cluster = fleet.cluster()
            fleet.namespace(cluster, "shop", team=factories.team())
            ingest(source=source(cluster)[0], body=body(event(workload=f"w{number}", **DENIED)))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    fill(2)
    few = queries()
    fill(6)
    assert queries() == few
