import html
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clusters.models import Cluster, Contact, Environment, Namespace
from clusters.registration import may_show_again
from tests import factories
from tests.clusters import factories as fleet

pytestmark = pytest.mark.django_db
CANARY = fleet.CANARY


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def engineer() -> Client:
    return signed_in(factories.platform_engineer())


def typed(**changes) -> dict[str, str]:
    fleet.environment("staging")
    return {
        "name": "atlas",
        "environment": "staging",
        "owner_team": factories.team().slug,
        "labels": "region=eu",
        "kubeconfig": fleet.kubeconfig(),
        **changes,
    }


def text_of(response) -> str:
    return html.unescape(response.content.decode())


def test_registering_by_page_leads_to_the_clusters_page(engineer):
    response = engineer.post("/register-cluster/", typed(dns_ports="53, 5353"), follow=True)

    cluster = Cluster.objects.get()
    assert response.redirect_chain == [("/clusters/atlas/", 302)]
    assert (cluster.labels, cluster.dns) == ({"region": "eu"}, {"ports": [53, 5353]})
    assert CANARY not in text_of(response)
    assert "Waiting for the pusher" in text_of(response)


def test_what_was_typed_stays_and_secrets_do_not(engineer):
    leaf = fleet.client_leaf()
    response = engineer.post(
        "/register-cluster/",
        typed(
            kubeconfig="",
            name="Not A Name",
            server="https://10.1.2.3:6443",
            ca_certificate=fleet.authority().certificate_pem,
            client_certificate=leaf.certificate_pem,
            client_key=leaf.key_pem,
        ),
    )

    shown = text_of(response)
    assert response.status_code == 422
    for kept in ("Not A Name", "region=eu", "https://10.1.2.3:6443", leaf.certificate_pem.splitlines()[1]):
        assert kept in shown
    assert leaf.key_pem.splitlines()[1] not in shown
    assert not Cluster.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"kubeconfig": fleet.kubeconfig(exec={"command": "sh"})},
        {"kubeconfig": fleet.kubeconfig(server="http://10.0.0.1")},
        {"kubeconfig": f"token: {CANARY}\n  broken"},
        {"kubeconfig": fleet.kubeconfig(), "token": CANARY},
        {"kubeconfig": "", "token": CANARY},
        {"kubeconfig": "", "ca_certificate": CANARY, "server": "https://10.0.0.1"},
        {"kubeconfig": "", "client_certificate": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"},
        {"environment": "no-such-stage"},
        {"labels": "not labels"},
        {"dns_ports": "x" * 50},
        {"name": "nul\x00byte"},
        {"kubeconfig": "nul\x00byte"},
        {"dns_node_local_addresses": "here"},
    ],
)
def test_bad_input_is_422_with_an_error_beside_a_field_and_no_secret(engineer, changes):
    response = engineer.post("/register-cluster/", typed(**changes))

    assert response.status_code == 422
    assert "field-error" in text_of(response)
    assert CANARY not in text_of(response)
    assert not Cluster.objects.exists()


def test_an_address_that_is_not_allowed_is_told_beside_the_kubeconfig(engineer):
    response = engineer.post("/register-cluster/", typed(kubeconfig=fleet.kubeconfig(server="https://169.254.169.254")))

    assert response.status_code == 422
    assert "kubeconfig" in response.context["form"].errors


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (fleet.authority().certificate_pem, True),
        (fleet.authority().key_pem, False),
        (fleet.authority().certificate_pem + fleet.authority().key_pem, False),
        (fleet.kubeconfig(), False),
        (CANARY, False),
        ("", False),
    ],
)
def test_only_certificates_are_shown_again(text, may):
    assert may_show_again(text) is may


def test_others_cannot_open_the_form():
    assert signed_in(factories.reviewer()).get("/register-cluster/").status_code == 403
    assert Client().get("/register-cluster/").status_code == 302


def test_pages_of_a_cluster_that_one_may_not_see_are_not_there():
    cluster = fleet.cluster("atlas")
    contact = Contact.objects.get(cluster=cluster)
    member = signed_in(factories.member(factories.team()))

    for path in ("", "edit/", "credential/", "retire/", f"contacts/{contact.pk}/"):
        assert member.get(f"/clusters/atlas/{path}").status_code == 404, path
    for path in ("retire/", "contacts/", "accept-identity/"):
        assert member.post(f"/clusters/atlas/{path}", {"reason": "x"}).status_code == 404, path


def test_an_owner_reads_and_gets_no_buttons():
    team = factories.team()
    cluster = fleet.cluster("atlas", owner=team)
    namespace = fleet.namespace(cluster, "shop", team=team)
    fleet.namespace(cluster, "others")
    lead = signed_in(factories.lead(team))

    shown = text_of(lead.get("/clusters/atlas/"))

    assert "shop" in shown
    assert "others" not in shown
    assert "Retire" not in shown
    assert lead.post("/clusters/atlas/contacts/", {"kind": "test"}).status_code == 403
    assert lead.post(f"/clusters/atlas/namespaces/{namespace.pk}/team/", {"team": team.slug}).status_code == 403


def test_a_namespace_gets_its_team_on_the_page(engineer):
    cluster = fleet.cluster("atlas")
    namespace, team = fleet.namespace(cluster), factories.team()

    response = engineer.post(
        f"/clusters/atlas/namespaces/{namespace.pk}/team/", {"team": team.slug, "seen": ""}, follow=True
    )

    assert Namespace.objects.get().team == team
    assert f"{team.name} now answers for shop" in text_of(response)


def test_a_stale_assignment_is_a_conflict(engineer):
    cluster = fleet.cluster("atlas")
    namespace, team = fleet.namespace(cluster, team=factories.team()), factories.team()

    response = engineer.post(f"/clusters/atlas/namespaces/{namespace.pk}/team/", {"team": team.slug, "seen": ""})

    assert response.status_code == 409
    assert Namespace.objects.get().team != team


def test_an_unknown_team_is_422(engineer):
    cluster = fleet.cluster("atlas")
    namespace = fleet.namespace(cluster)

    response = engineer.post(f"/clusters/atlas/namespaces/{namespace.pk}/team/", {"team": "nobody-at-all"})

    assert response.status_code == 422


def test_an_open_contact_renews_itself_and_a_finished_one_renews_the_page(engineer):
    cluster = fleet.cluster("atlas")
    contact = Contact.objects.get(cluster=cluster)
    path = f"/clusters/atlas/contacts/{contact.pk}/"

    waiting = engineer.get(path, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' in text_of(waiting)
    assert "HX-Refresh" not in waiting

    Contact.objects.filter(pk=contact.pk).update(state="done", finished_at=timezone.now(), verdict="Connected.")
    finished = engineer.get(path, headers={"HX-Request": "true"})
    assert "hx-trigger" not in text_of(finished)
    assert finished["HX-Refresh"] == "true"


def test_editing_shows_what_is_and_keeps_what_is_typed(engineer):
    fleet.cluster("atlas", labels={"region": "eu"})

    assert "region=eu" in text_of(engineer.get("/clusters/atlas/edit/"))
    bad = engineer.post("/clusters/atlas/edit/", {"environment": "staging", "owner_team": "", "labels": "a=b"})
    assert bad.status_code == 422
    assert "a=b" in text_of(bad)


def test_a_cluster_is_changed_and_retired_by_page(engineer):
    cluster = fleet.cluster("atlas")
    team = cluster.owner_team.slug

    engineer.post("/clusters/atlas/edit/", {"environment": "production", "owner_team": team, "labels": "tier=1"})
    cluster.refresh_from_db()
    assert (cluster.environment, cluster.labels) == (Environment.objects.get(slug="production"), {"tier": "1"})

    assert engineer.post("/clusters/atlas/retire/", {"reason": ""}).status_code == 422
    shown = engineer.post("/clusters/atlas/retire/", {"reason": "moved away"}, follow=True)
    assert "Retired" in text_of(shown)
    assert engineer.post("/clusters/atlas/contacts/", {"kind": "test"}).status_code == 409


def test_a_credential_is_replaced_by_page_without_being_shown(engineer):
    cluster = fleet.cluster("atlas")
    before = cluster.credential.fingerprint

    response = engineer.post(
        "/clusters/atlas/credential/", {"kubeconfig": fleet.kubeconfig(token=CANARY + "2")}, follow=True
    )

    assert response.status_code == 200
    assert CANARY not in text_of(response)
    cluster.refresh_from_db()
    assert Cluster.objects.get().credential.fingerprint != before


def test_a_mismatch_offers_to_accept_and_needs_a_reason(engineer):
    cluster = fleet.answered(fleet.cluster("atlas"))
    Cluster.objects.filter(pk=cluster.pk).update(state=Cluster.State.MISMATCH, state_reason="Another cluster answers")

    assert "Accept what answers there now" in text_of(engineer.get("/clusters/atlas/"))
    assert engineer.post("/clusters/atlas/accept-identity/", {"reason": ""}).status_code == 422
    engineer.post("/clusters/atlas/accept-identity/", {"reason": "rebuilt"})
    assert Cluster.objects.get().identity == ""


def test_silence_is_never_green(engineer):
    cluster = fleet.answered(fleet.cluster("atlas"))
    assert "tone-success" in text_of(engineer.get("/clusters/"))

    Cluster.objects.filter(pk=cluster.pk).update(last_contact_at=timezone.now() - timedelta(hours=1))

    shown = text_of(engineer.get("/clusters/"))
    assert "tone-success" not in shown
    assert "Not known" in shown


@pytest.mark.parametrize(
    "query", ["", "?state=stale", "?label=a%3Db", "?environment=nope", "?page=99", "?state=x&text=%00"]
)
def test_the_list_takes_any_query(engineer, query):
    fleet.cluster("atlas")

    assert engineer.get(f"/clusters/{query}").status_code == 200


def test_the_list_takes_a_constant_number_of_queries(engineer):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert engineer.get("/clusters/").status_code == 200
        return len(captured)

    def fill(count: int) -> None:
        for _ in range(count):
            cluster = fleet.cluster()
            fleet.enforcement_point(cluster)
            fleet.namespace(cluster)

    fill(2)
    queries()
    few = queries()
    fill(10)
    assert queries() == few


def test_a_clusters_page_takes_a_constant_number_of_queries(engineer):
    cluster = fleet.cluster("atlas")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert engineer.get("/clusters/atlas/").status_code == 200
        return len(captured)

    for number in range(2):
        fleet.namespace(cluster, f"n{number}", team=factories.team())
    queries()
    few = queries()
    for number in range(2, 12):
        fleet.namespace(cluster, f"n{number}", team=factories.team())
    assert queries() == few
