"""Contacts with real API servers, and with everything that is none."""

import os
import socket
import threading
from datetime import timedelta
from itertools import count

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from clusters import access as opening
from clusters import contacts
from clusters.errors import IdentityMismatch
from clusters.inventory import run_claimed, run_contact, run_due
from clusters.models import Cluster, ClusterCredential, Contact, EnforcementPoint, Namespace
from clusters.services import accept_identity, replace_credential, request_contact, retire_cluster
from clusters.tasks import run_contacts, schedule_inventories
from connectors.access import access_from_fields
from ledger.models import LedgerEntry
from tests import factories
from tests.clusters import factories as fleet
from tests.rollouts.fleet import kubectl_on

pytestmark = pytest.mark.django_db
_numbers = count(1)


def on(plane, *, user: str = "sallyport", name: str = "") -> Cluster:
    return fleet.cluster(name, using=plane.access(user))


def steps(contact: Contact) -> dict[str, str]:
    return {line["step"]: line["result"] for line in contact.findings}


def run(cluster: Cluster, kind: str = "test") -> Contact:
    contact = request_contact(actor=factories.platform_engineer(), cluster_id=cluster.pk, kind=kind)
    finished = run_contact(contact.pk)
    cluster.refresh_from_db()
    return finished


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def silent_server():
    """Accepts connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        yield server.getsockname()[1]


@pytest.fixture
def plain_http_server():
    """Answers in plain HTTP where TLS is expected, and keeps what it was sent."""
    heard: list[bytes] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.settimeout(2)
                    heard.append(peer.recv(4096))
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)


def test_a_test_says_every_step_and_pins_the_identity(control_plane):
    cluster = on(control_plane)

    contact = run(cluster)

    assert contact.state == "done", contact.findings
    assert steps(contact) == dict.fromkeys(
        ("address", "connection", "tls", "version", "sign-in", "identity", "rights"), "ok"
    )
    assert cluster.state == Cluster.State.CONNECTED
    assert cluster.identity
    assert cluster.version.startswith("v1.")
    assert contact.verdict.startswith("Connected: Kubernetes v1.")
    assert Contact.objects.filter(cluster=cluster, kind="inventory", state="due").exists()
    assert LedgerEntry.objects.filter(action="cluster.identity-pinned").count() == 1


def test_an_inventory_counts_what_is_there(control_plane, kube_namespace):
    egress = {"policyTypes": ["Egress"], "podSelector": {}}
    with kubectl_on(control_plane) as kubectl:
        kubectl.create(_policy(kube_namespace, "theirs", egress))
        kubectl.create(_policy(kube_namespace, "ingress-only", {"policyTypes": ["Ingress"], "podSelector": {}}))
        kubectl.create(_policy(kube_namespace, "ours", egress, labels={"app.kubernetes.io/managed-by": "sallyport"}))
    control_plane.ensure_objects([_deployment(kube_namespace, "web")])
    before = _count_policies(control_plane, exclude=kube_namespace)
    cluster = on(control_plane)
    run(cluster)

    contact = run(cluster, "inventory")

    namespace = Namespace.objects.get(cluster=cluster, name=kube_namespace)
    assert contact.state == "done", contact.findings
    assert namespace.workload_count == 1
    assert namespace.labels["kubernetes.io/metadata.name"] == kube_namespace
    assert cluster.foreign_policies["NetworkPolicy"] == before + 1
    assert cluster.workload_count >= 1
    assert EnforcementPoint.objects.get(cluster=cluster).dialect == "cilium"


def test_a_cluster_without_cilium_speaks_plain_network_policy(plain_control_plane):
    cluster = on(plain_control_plane)
    run(cluster)
    run(cluster, "inventory")

    point = EnforcementPoint.objects.get(cluster=cluster)
    assert (point.dialect, point.dialect_version) == ("networkpolicy", "")


def test_a_namespace_that_is_gone_stays_as_a_row_and_one_that_was_recreated_is_told(control_plane, kube_namespace):
    cluster = on(control_plane)
    run(cluster)
    team = factories.team()
    gone = fleet.namespace(cluster, "long-gone", team=team)
    fleet.namespace(cluster, kube_namespace, team=team)

    run(cluster, "inventory")

    gone.refresh_from_db()
    assert gone.gone_at is not None
    assert gone.team == team
    details = LedgerEntry.objects.get(action="cluster.inventoried").details
    assert details["gone"] == ["long-gone"]
    assert details["recreated"] == [kube_namespace]


def test_another_cluster_at_the_address_is_a_mismatch_and_changes_nothing(control_plane, plain_control_plane):
    cluster = on(control_plane)
    run(cluster)
    run(cluster, "inventory")
    pinned, names = cluster.identity, set(cluster.namespaces.values_list("name", "gone_at"))
    replace_credential(actor=factories.platform_engineer(), cluster_id=cluster.pk, access=plain_control_plane.access())

    contact = run(cluster, "inventory")

    assert contact.state == "failed"
    assert (cluster.state, cluster.identity) == (Cluster.State.MISMATCH, pinned)
    assert "Another cluster answers" in cluster.state_reason
    assert set(cluster.namespaces.values_list("name", "gone_at")) == names
    with pytest.raises(IdentityMismatch):
        opening.kube_client(cluster)

    accept_identity(actor=factories.platform_engineer(), cluster_id=cluster.pk, reason="rebuilt after the fire")
    run(cluster)
    assert cluster.state == Cluster.State.CONNECTED
    assert cluster.identity != pinned


def test_one_api_server_is_one_cluster(control_plane):
    first, second = on(control_plane, name="first"), on(control_plane, name="second")
    run(first)

    contact = run(second)

    assert contact.state == "failed"
    assert second.state == Cluster.State.MISMATCH
    assert "registered already, as first" in second.state_reason
    assert second.identity == ""


def test_the_pinned_cluster_gives_the_pusher_a_client(control_plane):
    cluster = on(control_plane)
    run(cluster)

    with opening.kube_client(cluster) as client:
        assert client.kube_system_uid() == cluster.identity


def test_a_wrong_token_is_refused_and_told_without_the_token(control_plane, caplog):
    wrong = access_from_fields(server=control_plane.server, ca_pem=control_plane.ca_pem, token=fleet.CANARY)
    cluster = fleet.cluster(using=wrong)

    contact = run(cluster)

    assert cluster.state == Cluster.State.REFUSED
    assert steps(contact)["sign-in"] == "failed"
    assert steps(contact)["tls"] == "ok"
    assert fleet.CANARY not in str(contact.findings) + contact.verdict + cluster.state_reason + caplog.text


def test_a_wrong_authority_is_untrusted_and_the_credential_stays_home(control_plane):
    stranger = fleet.authority().certificate_pem
    cluster = fleet.cluster(
        using=access_from_fields(server=control_plane.server, ca_pem=stranger, token=control_plane.sallyport_token)
    )

    contact = run(cluster)

    assert steps(contact)["tls"] == "failed"
    assert "sign-in" not in steps(contact)
    assert cluster.state == Cluster.State.UNREACHABLE


def test_plain_http_gets_no_token(plain_http_server):
    port, heard = plain_http_server
    cluster = fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{port}"))

    contact = run(cluster)

    assert contact.state == "failed"
    assert heard
    assert fleet.CANARY.encode() not in b"".join(heard)


def test_nobody_there_is_unreachable_since_then_and_deletes_nothing():
    cluster = fleet.answered(fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{free_port()}")))
    kept = fleet.namespace(cluster)

    first = run(cluster, "inventory")
    since = cluster.state_since
    run(cluster, "inventory")

    assert first.state == "failed"
    assert steps(first)["connection"] == "failed"
    assert (cluster.state, cluster.state_since) == (Cluster.State.UNREACHABLE, since)
    kept.refresh_from_db()
    assert kept.gone_at is None
    assert LedgerEntry.objects.filter(action="cluster.unreachable").count() == 1


def test_an_unknown_name_ends_at_the_first_step():
    cluster = fleet.cluster(using=fleet.access(server="https://api.nowhere.invalid:6443"))

    assert steps(run(cluster)) == {"address": "failed"}


def test_an_address_that_became_forbidden_is_not_connected_to(settings, silent_server):
    cluster = fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{silent_server}"))
    settings.ALLOW_LOOPBACK_CLUSTERS = False

    contact = run(cluster)

    assert steps(contact) == {"address": "failed"}
    assert "not allowed" in contact.verdict


def test_a_credential_that_does_not_open_is_a_verdict_and_not_a_crash():
    cluster = fleet.cluster()
    ClusterCredential.objects.filter(cluster=cluster).update(sealed=b"junk")

    contact = run(cluster)

    assert steps(contact) == {"credential": "failed"}
    assert cluster.state == Cluster.State.REFUSED


def test_without_an_opening_key_contacts_are_left_for_the_pusher(settings):
    cluster = fleet.cluster()
    settings.CREDENTIAL_OPENING_KEYS = []

    run_contacts()

    assert Contact.objects.get(cluster=cluster).state == "due"
    assert Cluster.objects.get(pk=cluster.pk).state == Cluster.State.REGISTERED


def test_the_task_runs_what_is_due(monkeypatch):
    cluster = fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{free_port()}"))

    run_contacts()

    assert Contact.objects.get(cluster=cluster).state == "failed"
    assert run_due() == 0


def test_a_contact_whose_worker_was_lost_is_found_again():
    cluster = fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{free_port()}"))
    now = timezone.now()
    lost = contacts.claim_next(now)
    assert contacts.claim_next(now) is None

    again = contacts.claim_next(now + contacts.LEASE + timedelta(seconds=1))

    assert again == lost
    assert again.attempts == 2
    assert cluster.contacts.count() == 1


def test_a_worker_that_lost_its_claim_records_nothing():
    fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{free_port()}"))
    stale = contacts.claim_next(timezone.now())
    contacts.claim_next(timezone.now() + contacts.LEASE + timedelta(seconds=1))

    run_claimed(stale)

    stale.refresh_from_db()
    assert stale.state == "running"
    assert Cluster.objects.get().state == Cluster.State.REGISTERED


def test_a_contact_that_kills_its_workers_is_given_up():
    fleet.cluster()
    now = timezone.now()
    for attempt in range(contacts.MAX_ATTEMPTS):
        assert contacts.claim_next(now + attempt * (contacts.LEASE + timedelta(seconds=1)))

    assert contacts.claim_next(now + timedelta(days=1)) is None
    assert Contact.objects.get().verdict.startswith("Given up")


def test_a_cluster_retired_during_its_contact_is_left_alone():
    cluster = fleet.cluster(using=fleet.access(server=f"https://127.0.0.1:{free_port()}"))
    contact = contacts.claim_next(timezone.now())
    retire_cluster(actor=factories.platform_engineer(), cluster_id=cluster.pk, reason="gone")

    run_claimed(contact)

    assert Cluster.objects.get().state == Cluster.State.REGISTERED


def test_inventories_become_due_by_age_and_only_once():
    fresh, old, waiting = (fleet.answered(fleet.cluster()) for _ in range(3))
    now = timezone.now()
    for cluster, age in ((fresh, 3), (old, 30), (waiting, 3)):
        contact = Contact.objects.create(cluster=cluster, kind="inventory", state="done")
        Contact.objects.filter(pk=contact.pk).update(requested_at=now - timedelta(minutes=age))
    Cluster.objects.filter(pk=waiting.pk).update(state=Cluster.State.UNREACHABLE)

    schedule_inventories()
    schedule_inventories()

    due = set(Contact.objects.filter(state="due").values_list("cluster__name", flat=True))
    assert due == {old.name, waiting.name}
    assert Contact.objects.filter(state="due").count() == 2


def test_scheduled_contacts_are_forgotten_after_a_week_and_asked_ones_stay():
    cluster = fleet.answered(fleet.cluster())
    now = timezone.now()
    for days, asked in ((8, None), (6, None), (8, factories.platform_engineer())):
        Contact.objects.create(
            cluster=cluster, kind="inventory", state="done", requested_by=asked, finished_at=now - timedelta(days=days)
        )

    assert contacts.forget_old(now) == 1
    assert cluster.contacts.count() == 3


def test_the_database_holds_one_open_contact_of_a_kind():
    cluster = fleet.cluster()

    with pytest.raises(IntegrityError), transaction.atomic():
        Contact.objects.create(cluster=cluster, kind="test", state="due")


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_get_the_same_contact():
    for _ in range(4):
        fleet.cluster()
    claimed: list[str] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait(10)
            while (contact := contacts.claim_next(timezone.now())) is not None:
                claimed.append(str(contact.pk))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(claimed) == len(set(claimed)) == 4


def _policy(namespace, name, spec, *, labels=None):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": spec,
    }


def _deployment(namespace, name):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": f"registry.example/{os.getpid()}"}]},
            },
        },
    }


def _count_policies(plane, *, exclude):
    with plane.client("admin") as client:
        found = client.foreign_policies().found
    return sum(1 for one in found if one.resource.kind == "NetworkPolicy" and one.namespace != exclude)
