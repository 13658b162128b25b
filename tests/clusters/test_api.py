import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.services import issue_token
from clusters.models import Cluster, ClusterCredential, Contact, Namespace
from tests import factories
from tests.clusters import factories as fleet

pytestmark = pytest.mark.django_db
CLUSTERS = "/api/v1/clusters/"
CANARY = fleet.CANARY


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def engineer() -> Client:
    return signed_in(factories.platform_engineer())


def registration(**changes) -> dict:
    return {
        "name": "atlas",
        "environment": fleet.environment().slug,
        "owner_team": factories.team().slug,
        "labels": {"region": "eu"},
        "kubeconfig": fleet.kubeconfig(),
        **changes,
    }


def post(client: Client, path: str, body: dict, method: str = "post"):
    return getattr(client, method)(path, body, content_type="application/json")


def test_a_cluster_is_registered_by_a_kubeconfig(engineer):
    response = post(engineer, CLUSTERS, registration())

    assert response.status_code == 201, response.json()
    told = response.json()
    assert (told["name"], told["state"], told["labels"]) == ("atlas", "registered", {"region": "eu"})
    assert told["credential"]["kind"] == "token"
    assert CANARY not in response.content.decode()


def test_a_cluster_is_registered_by_its_parts(engineer):
    leaf = fleet.client_leaf()
    body = registration(
        server="https://10.9.8.7",
        ca_certificate=fleet.authority().certificate_pem,
        client_certificate=leaf.certificate_pem,
        client_key=leaf.key_pem,
    )
    del body["kubeconfig"]

    response = post(engineer, CLUSTERS, body)

    assert response.status_code == 201, response.json()
    credential = ClusterCredential.objects.get()
    assert credential.kind == "client-certificate"
    assert credential.expires_at is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kubeconfig": "not: [a kubeconfig"}, "kubeconfig"),
        ({"kubeconfig": fleet.kubeconfig(exec={"command": "sh"})}, "kubeconfig"),
        ({"kubeconfig": fleet.kubeconfig(server="https://169.254.169.254")}, "server"),
        ({"token": CANARY}, "kubeconfig"),
        ({"name": "Not A Name"}, "name"),
        ({"labels": {"bad key": "x"}}, "labels"),
    ],
)
def test_bad_input_names_its_field_and_repeats_no_secret(engineer, changes, field, caplog):
    with caplog.at_level(logging.DEBUG):
        response = post(engineer, CLUSTERS, registration(**changes))

    assert response.status_code == 422
    assert list(response.json()["details"]["fields"]) == [field]
    assert CANARY not in response.content.decode() + caplog.text
    assert not Cluster.objects.exists()


def test_the_same_key_registers_once_and_stores_no_secret(engineer):
    from tests.clusters.test_credentials import everything_stored

    headers = {"Idempotency-Key": "register-atlas"}
    body = registration()
    first = engineer.post(CLUSTERS, body, content_type="application/json", headers=headers)
    second = engineer.post(CLUSTERS, body, content_type="application/json", headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert Cluster.objects.count() == 1
    assert CANARY not in everything_stored()


@pytest.mark.parametrize("role", ["security-reviewer", "auditor"])
def test_others_cannot_register(role):
    response = post(signed_in(factories.person(roles=(role,))), CLUSTERS, registration())

    assert response.status_code == 403
    assert response.json()["code"] == "fleet_forbidden"


def test_a_token_needs_the_operate_scope():
    engineer = factories.platform_engineer()
    _token, secret = issue_token(
        actor=engineer,
        user_id=engineer.pk,
        label="reads",
        scopes=["read"],
        expires_at=timezone.now() + timedelta(days=1),
    )
    cluster = fleet.cluster()
    headers = {"Authorization": f"Bearer {secret}"}

    assert Client().get(CLUSTERS, headers=headers).status_code == 200
    refused = Client().post(
        f"{CLUSTERS}{cluster.name}/contacts/", {"kind": "inventory"}, content_type="application/json", headers=headers
    )
    assert refused.status_code == 403
    assert refused.json()["code"] == "scope_missing"


def test_what_one_may_not_see_is_not_there():
    member = signed_in(factories.member(factories.team()))
    cluster = fleet.cluster()
    namespace = fleet.namespace(cluster)

    assert member.get(CLUSTERS).json()["results"] == []
    for path in (
        f"{CLUSTERS}{cluster.name}/",
        f"{CLUSTERS}{cluster.name}/contacts/",
        f"/api/v1/namespaces/{namespace.pk}/",
    ):
        assert member.get(path).status_code == 404
    assert post(member, f"{CLUSTERS}{cluster.name}/retire/", {"reason": "x"}).status_code == 404
    assert Cluster.objects.get().retired_at is None


def test_an_owner_who_does_not_run_the_fleet_reads_and_does_not_write():
    team = factories.team()
    cluster = fleet.cluster(owner=team)
    namespace = fleet.namespace(cluster, team=team)
    lead = signed_in(factories.lead(team))

    assert lead.get(f"{CLUSTERS}{cluster.name}/").status_code == 200
    for method, path, body in (
        ("patch", f"{CLUSTERS}{cluster.name}/", {"labels": {}}),
        ("put", f"{CLUSTERS}{cluster.name}/credential/", {"kubeconfig": fleet.kubeconfig()}),
        ("post", f"{CLUSTERS}{cluster.name}/retire/", {"reason": "x"}),
        ("post", f"{CLUSTERS}{cluster.name}/contacts/", {"kind": "test"}),
        ("post", f"{CLUSTERS}{cluster.name}/accept-identity/", {"reason": "x"}),
        ("put", f"/api/v1/namespaces/{namespace.pk}/team/", {"team": "no-such-team"}),
    ):
        assert post(lead, path, body, method).status_code == 403, path


def test_a_namespace_is_given_to_a_team_and_taken_away(engineer):
    namespace, team = fleet.namespace(fleet.cluster()), factories.team()
    path = f"/api/v1/namespaces/{namespace.pk}/team/"

    assert post(engineer, path, {"team": team.slug}, "put").json()["team"] == team.slug
    assert post(engineer, path, {"team": None}, "put").json()["team"] is None
    assert post(engineer, path, {"team": "nobody"}, "put").status_code == 400


def test_asking_for_a_contact_answers_with_the_open_one(engineer):
    cluster = fleet.cluster()

    response = post(engineer, f"{CLUSTERS}{cluster.name}/contacts/", {"kind": "test"})

    assert response.status_code == 202
    assert response.json()["id"] == str(Contact.objects.get().pk)


def test_the_worst_come_first_and_silence_is_not_health(engineer):
    now = timezone.now()
    for name, state, heard in (
        ("fine", "connected", now),
        ("silent", "connected", now - timedelta(hours=2)),
        ("lost", "unreachable", now),
        ("stranger", "mismatch", now),
    ):
        cluster = fleet.answered(fleet.cluster(name))
        Cluster.objects.filter(pk=cluster.pk).update(state=state, last_contact_at=heard)

    results = engineer.get(CLUSTERS).json()["results"]

    assert [one["name"] for one in results] == ["stranger", "lost", "silent", "fine"]
    assert [one["name"] for one in results if one["is_stale"]] == ["silent"]
    assert [one["name"] for one in engineer.get(f"{CLUSTERS}?state=connected").json()["results"]] == ["fine"]
    assert [one["name"] for one in engineer.get(f"{CLUSTERS}?state=stale").json()["results"]] == ["silent"]


def test_lists_are_narrowed_by_environment_label_and_state(engineer):
    fleet.cluster("here", stage="production", labels={"region": "eu"})
    fleet.cluster("there", stage="staging", labels={"region": "us"})

    def names(query: str) -> list[str]:
        return [one["name"] for one in engineer.get(f"{CLUSTERS}?{query}").json()["results"]]

    assert names("environment=production") == ["here"]
    assert names("label=region%3Dus") == ["there"]
    assert names("label=%21%21") == []
    assert names("state=retired") == []
    assert names("text=her") == ["there", "here"] or names("text=her") == ["here", "there"]


@pytest.mark.parametrize("path", [CLUSTERS, "/api/v1/namespaces/", "/api/v1/environments/"])
def test_lists_take_a_constant_number_of_queries(
    engineer, path, django_assert_num_queries, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def fill(count: int) -> None:
        for _ in range(count):
            cluster = fleet.cluster()
            fleet.enforcement_point(cluster)
            fleet.namespace(cluster, team=factories.team())

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert engineer.get(path).status_code == 200
        return len(captured)

    fill(2)
    few = queries()
    fill(6)
    assert queries() == few


def test_environments_are_in_the_order_of_a_rollout(engineer):
    slugs = [one["slug"] for one in engineer.get("/api/v1/environments/").json()["results"]]

    assert slugs == ["development", "staging", "production"]


def test_namespaces_show_only_those_of_the_own_teams():
    team = factories.team()
    cluster = fleet.cluster()
    mine = fleet.namespace(cluster, "mine", team=team)
    fleet.namespace(cluster, "theirs", team=factories.team())

    results = signed_in(factories.member(team)).get("/api/v1/namespaces/").json()["results"]

    assert [one["id"] for one in results] == [str(mine.pk)]
    assert Namespace.objects.count() == 2
