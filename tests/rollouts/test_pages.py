"""Pages and API of rollouts: who sees what, forms that answer, a constant number of queries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from allowlist.services import enrol_namespace
from rollouts.claims import claim_next, find_work
from rollouts.comparison import Finding, compare_due
from rollouts.findings import bring_up_to_date
from rollouts.models import DriftFinding, NamespacePush, Rollout
from rollouts.objects import ObjectKey
from rollouts.progress import advance
from rollouts.pushing import read_work
from rollouts.services import request_comparison
from tests import factories
from tests.clusters import factories as fleet_factories
from tests.rollouts.fleet import Fleet, kubectl_on

SAID = "The payment test suite passed against the sandbox."
CNP = "CiliumNetworkPolicy"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def queries_of(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


@pytest.fixture
def awaiting(two_tiers: Fleet) -> Rollout:
    two_tiers.grant("10.20.0.0/16")
    advance()
    two_tiers.push()
    advance()
    return Rollout.objects.get()


@pytest.fixture
def finding(fleet: Fleet) -> DriftFinding:
    fleet.grant("10.20.0.0/16")
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        wider = [{"op": "replace", "path": "/specs/1/egress/0/toCIDRSet/0/cidr", "value": "10.0.0.0/8"}]
        kubectl.patch(CNP, fleet.namespace, wider)
    request_comparison(actor=fleet.engineer, cluster_id=site.cluster.pk)
    compare_due("test")
    return DriftFinding.objects.get()


def test_the_list_shows_how_far_each_rollout_is(two_tiers: Fleet, awaiting: Rollout) -> None:
    page = signed_in(two_tiers.lead).get(reverse("rollouts:list"))

    assert page.status_code == 200
    content = page.content.decode()
    assert awaiting.revision.entry.passport in content
    assert "Waiting for proof" in content
    assert "1/1" in content
    assert "0/1" in content


def test_a_stranger_sees_no_rollout(awaiting: Rollout) -> None:
    stranger = signed_in(factories.person())

    assert awaiting.revision.entry.passport not in stranger.get(reverse("rollouts:list")).content.decode()
    assert stranger.get(reverse("rollouts:detail", args=[awaiting.pk])).status_code == 404
    assert stranger.post(reverse("rollouts:promote", args=[awaiting.pk])).status_code == 404


def test_a_rollout_is_confirmed_and_promoted_through_its_page(two_tiers: Fleet, awaiting: Rollout) -> None:
    engineer = signed_in(two_tiers.engineer)
    address = reverse("rollouts:detail", args=[awaiting.pk])

    refused = engineer.post(reverse("rollouts:confirm", args=[awaiting.pk]), {"statement": "ok"})
    assert refused.status_code == 422
    assert "ok</textarea>" in refused.content.decode()

    confirmed = engineer.post(reverse("rollouts:confirm", args=[awaiting.pk]), {"statement": SAID}, follow=True)
    assert "Promote to production" in confirmed.content.decode()
    engineer.post(reverse("rollouts:promote", args=[awaiting.pk]))

    awaiting.refresh_from_db()
    assert awaiting.state == "production"
    assert SAID in engineer.get(address).content.decode()


def test_only_a_rollout_under_way_polls(two_tiers: Fleet, awaiting: Rollout) -> None:
    lead = signed_in(two_tiers.lead)
    address = reverse("rollouts:progress", args=[awaiting.pk])

    waiting = lead.get(address, {"state": "non-production"})
    assert "hx-get" not in waiting.content.decode()
    assert waiting["HX-Refresh"] == "true"
    Rollout.objects.update(state="production")
    moving = lead.get(address, {"state": "production"})
    assert "hx-get" in moving.content.decode()
    assert "HX-Refresh" not in moving


def test_the_requester_gets_no_proof_form(two_tiers: Fleet, awaiting: Rollout) -> None:
    page = signed_in(two_tiers.lead).get(reverse("rollouts:detail", args=[awaiting.pk])).content.decode()

    assert "<textarea" not in page
    assert "never the person who asked" in page


def test_a_difference_is_shown_with_three_sides_and_reverted(fleet: Fleet, finding: DriftFinding) -> None:
    engineer = signed_in(fleet.engineer)
    address = reverse("rollouts:drift", args=[finding.pk])
    page = engineer.get(address).content.decode()

    for text in ("Approved", "Published", "Live", "10.20.0.0/16", "10.0.0.0/8", "kubectl-edit"):
        assert text in page
    engineer.post(reverse("rollouts:revert", args=[finding.pk]))
    fleet.push()
    finding.refresh_from_db()
    assert finding.resolution == "reverted"
    assert "Reverted" in engineer.get(address).content.decode()


def test_a_difference_is_accepted_through_its_page(fleet: Fleet, finding: DriftFinding) -> None:
    reviewer = signed_in(fleet.reviewer)
    address = reverse("rollouts:accept", args=[finding.pk])

    wrong = reviewer.post(address, {"until": "2020-01-01", "note": "Known and harmless for now."})
    assert wrong.status_code == 422
    assert "Known and harmless" in wrong.content.decode()
    from tests.rollouts.fleet import soon

    right = reviewer.post(address, {"until": soon(days=5).date().isoformat(), "note": "Known and harmless for now."})
    assert right.status_code == 302
    finding.refresh_from_db()
    assert finding.accepted_until


def test_a_lead_may_look_at_drift_but_not_revert_it(fleet: Fleet, finding: DriftFinding) -> None:
    lead = signed_in(fleet.lead)

    assert "Revert</span>" not in lead.get(reverse("rollouts:drift", args=[finding.pk])).content.decode()
    lead.post(reverse("rollouts:revert", args=[finding.pk]))
    finding.refresh_from_db()
    assert finding.revert_asked_at is None


def test_the_cluster_page_shows_baseline_and_differences(fleet: Fleet, finding: DriftFinding) -> None:
    name = fleet.sites["staging"].cluster.name
    engineer = signed_in(fleet.engineer)
    page = engineer.get(reverse("rollouts:cluster-drift", args=[name])).content.decode()

    assert "Default deny" in page
    assert "In force" in page
    assert f"{finding.kind}/{finding.name}" in page
    assert engineer.post(reverse("rollouts:compare", args=[name])).status_code == 302


def test_a_namespace_not_compared_lately_is_not_known_and_never_good(fleet: Fleet, finding: DriftFinding) -> None:
    NamespacePush.objects.update(compared_at=None)
    name = fleet.sites["staging"].cluster.name

    page = signed_in(fleet.engineer).get(reverse("rollouts:cluster-drift", args=[name])).content.decode()

    assert "Not known" in page
    assert "In force" not in page


def test_a_question_stands_in_the_address_with_its_answer(fleet: Fleet) -> None:
    fleet.grant("10.20.0.0/16")
    fleet.push()
    lead = signed_in(fleet.lead)
    asked = {
        "cluster": fleet.sites["staging"].cluster.name,
        "namespace": fleet.namespace,
        "destination": "10.20.0.9",
        "port": "443",
        "protocol": "TCP",
    }

    assert lead.get(reverse("rollouts:explain")).status_code == 200
    answer = lead.get(reverse("rollouts:explain"), asked)
    assert answer.status_code == 200
    assert "Allowed" in answer.content.decode()
    wrong = lead.get(reverse("rollouts:explain"), {**asked, "destination": "no name"})
    assert wrong.status_code == 422
    assert "no name" in wrong.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_rows(fleet: Fleet) -> None:
    for number in range(2):
        fleet.grant(f"10.{number}.0.0/16")
    advance()
    client = signed_in(fleet.engineer)
    addresses = [reverse("rollouts:list"), "/api/v1/rollouts/"]
    few = [queries_of(lambda address=address: client.get(address)) for address in addresses]
    for number in range(2, 12):
        fleet.grant(f"10.{number}.0.0/16")
    advance()

    assert [queries_of(lambda address=address: client.get(address)) for address in addresses] == few


def test_the_api_does_what_the_pages_do(two_tiers: Fleet, awaiting: Rollout) -> None:
    engineer = signed_in(two_tiers.engineer)
    address = f"/api/v1/rollouts/{awaiting.pk}/"

    told = engineer.get(address).json()
    assert told["state"] == "awaiting-proof"
    assert {target["state"] for target in told["targets"]} == {"verified", "waiting"}
    early = engineer.post(f"{address}promote/", content_type="application/json")
    assert (early.status_code, early.json()["code"]) == (409, "not_possible_now")
    proved = engineer.post(f"{address}confirm/", {"statement": SAID}, content_type="application/json").json()
    assert proved["proof"]["statement"] == SAID
    promoted = engineer.post(f"{address}promote/", content_type="application/json")
    assert promoted.json()["state"] == "production"
    assert signed_in(factories.person()).get(address).status_code == 404


def test_drift_pushes_bundles_and_answers_over_the_api(fleet: Fleet, finding: DriftFinding) -> None:
    engineer = signed_in(fleet.engineer)
    cluster = fleet.sites["staging"].cluster.name

    listed = engineer.get("/api/v1/drift/", {"cluster": cluster, "open": "true"}).json()
    assert [one["difference"] for one in listed["results"]] == ["changed"]
    one = engineer.get(f"/api/v1/drift/{finding.pk}/").json()
    assert one["live"]["specs"] != one["published"]["specs"]
    asked = engineer.post(f"/api/v1/drift/{finding.pk}/revert/", content_type="application/json")
    assert asked.status_code == 202
    (push,) = engineer.get("/api/v1/pushes/").json()["results"]
    bundle = engineer.get(f"/api/v1/bundles/{push['published']}/").json()
    assert bundle["hash"] == push["published_hash"]
    due = engineer.post("/api/v1/comparisons/", {"cluster": cluster}, content_type="application/json")
    assert (due.status_code, due.json()) == (202, {"namespaces": 1})
    question = {"cluster": cluster, "namespace": fleet.namespace, "destination": "10.20.0.9", "port": 443}
    answer = engineer.get("/api/v1/explain/", question).json()
    assert answer["verdict"] == "allowed"
    assert answer["matches"][0]["approved_by"] == [str(fleet.reviewer)]


def test_a_cluster_with_many_namespaces_and_differences_takes_as_many_queries_as_one_with_few(db) -> None:
    engineer, team = factories.platform_engineer(), factories.team()
    cluster = fleet_factories.answered(fleet_factories.cluster(owner=team))
    point = fleet_factories.enforcement_point(cluster)
    client = signed_in(engineer)
    addresses = [
        reverse("rollouts:cluster-drift", args=[cluster.name]),
        "/api/v1/pushes/",
        "/api/v1/drift/",
        "/api/v1/bundles/",
    ]

    def grow(*names: str) -> None:
        for name in names:
            namespace = fleet_factories.namespace(cluster, name, team=team)
            enrol_namespace(actor=engineer, namespace_id=namespace.pk)
            find_work(timezone.now())
            read_work(claim_next(worker="test", at=timezone.now()))
            push = NamespacePush.objects.select_related("namespace__cluster").get(namespace=namespace)
            missing = Finding(ObjectKey("v1", "NetworkPolicy", name), "missing", "It was deleted.")
            bring_up_to_date(push, [missing], approved={}, at=timezone.now())

    grow("one", "two")
    for address in addresses:
        assert client.get(address).status_code == 200
    few = [queries_of(lambda address=address: client.get(address)) for address in addresses]
    grow(*(f"more-{number}" for number in range(10)))

    assert DriftFinding.objects.filter(enforcement_point=point).count() == 12
    assert [queries_of(lambda address=address: client.get(address)) for address in addresses] == few
