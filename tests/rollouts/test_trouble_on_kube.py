"""Clusters that are away, namespaces that go, entries that end while nobody looks."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from ledger.models import LedgerEntry
from rollouts import pushing
from rollouts.models import Bundle, NamespacePush
from rollouts.progress import advance
from tests.rollouts.fleet import Fleet, kubectl_on, make_fleet, unique

CNP, NP = "CiliumNetworkPolicy", "NetworkPolicy"


def test_a_dead_cluster_delays_nobody_and_catches_up_when_it_is_back(control_planes, plain_control_plane, db) -> None:
    doomed = control_planes("doomed")
    fleet = make_fleet()
    name = unique("shop")
    fleet.add_site(doomed, stage="development", namespace=name)
    fleet.add_site(plain_control_plane, stage="staging", namespace=name)
    fleet.grant("10.20.0.0/16")
    advance()
    doomed.stop()

    assert fleet.push() == 2

    dead, alive = fleet.sites["development"], fleet.sites["staging"]
    assert (dead.push.state, alive.push.state) == ("failed", "idle")
    assert dead.push.last_error
    assert dead.push.due_at > timezone.now()
    dead.cluster.refresh_from_db()
    assert dead.cluster.state == "unreachable"
    doomed.start()
    NamespacePush.objects.filter(pk=dead.push.pk).update(due_at=timezone.now())
    fleet.push()
    assert dead.push.state == "idle"
    dead.cluster.refresh_from_db()
    assert dead.cluster.state == "connected"
    with kubectl_on(doomed) as kubectl:
        assert kubectl.get(NP, name) is not None


def test_a_dead_cluster_is_tried_once_in_a_run(control_planes, db) -> None:
    doomed = control_planes("doomed")
    fleet = make_fleet()
    fleet.add_site(doomed, stage="staging", namespace=unique("shop"))
    second = fleet.sites["staging"].namespace
    doomed.create_namespace(unique("other"))
    fleet.grant("10.20.0.0/16")
    doomed.stop()
    try:
        assert fleet.push() == 1
        assert fleet.push() == 0
        assert NamespacePush.objects.get(namespace=second).attempts == 1
    finally:
        doomed.start()


def test_a_namespace_that_is_being_deleted_is_not_written_to(fleet: Fleet) -> None:
    site = fleet.sites["staging"]
    with site.plane.client("admin") as admin:
        admin._transport.call("DELETE", f"/api/v1/namespaces/{fleet.namespace}", body={})
    fleet.grant()
    fleet.push()

    assert site.push.state == "failed"
    assert "being deleted" in site.push.last_error
    with kubectl_on(site.plane) as kubectl:
        assert kubectl.names(CNP, fleet.namespace) == []


def test_an_entry_that_ended_is_never_written_again_even_if_nobody_noticed_its_end(fleet: Fleet, monkeypatch) -> None:
    """The scheduler is dead: no generation was given for the end, yet a push after it leaves the entry out."""
    revision = fleet.grant("10.20.0.0/16", days=1)
    fleet.grant("192.0.2.0/24", days=90)
    fleet.push()
    site = fleet.sites["staging"]
    before = site.push.published
    assert revision.entry.passport in before.passports
    later = timezone.now() + timedelta(days=3)
    monkeypatch.setattr(pushing, "timezone", SimpleNamespace(now=lambda: later))
    NamespacePush.objects.update(state="due", due_at=timezone.now())

    fleet.push()

    published = site.push.published
    assert published.generation == before.generation + 1
    assert revision.entry.passport not in published.passports
    assert Bundle.objects.get(pk=before.pk).hash == before.hash
    with kubectl_on(site.plane) as kubectl:
        assert revision.entry.passport not in str(kubectl.get(CNP, fleet.namespace)["specs"])


def test_what_the_cluster_refuses_is_told_in_its_words(fleet: Fleet, monkeypatch) -> None:
    real = pushing.compile_desired

    def compile_badly(**asked):
        bundle = real(**asked)
        bundle.objects[0]["specs"][0]["endpointSelector"] = "everybody"
        return bundle

    monkeypatch.setattr(pushing, "compile_desired", compile_badly)
    revision = fleet.grant()
    advance()
    fleet.push()

    site = fleet.sites["staging"]
    assert site.push.state == "failed"
    assert "endpointSelector" in site.push.last_error
    target = revision.rollout.targets.get()
    assert (target.state, "endpointSelector" in target.reason) == ("failed", True)
    assert not LedgerEntry.objects.filter(action="bundle.published").exists()
