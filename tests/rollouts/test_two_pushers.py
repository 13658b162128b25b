"""Two pushers of different generations on one namespace: the older one wakes last and must not win."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from clusters.access import kube_client
from connectors.kube import KubeClient
from ledger.models import LedgerEntry
from practice import ControlPlane
from rollouts import pushing
from rollouts.claims import claim_next, find_work
from rollouts.models import NamespacePush
from tests.rollouts.fleet import Fleet, kubectl_on, make_fleet, unique

CNP, NP = "CiliumNetworkPolicy", "NetworkPolicy"
PATIENCE = 30

pytestmark = pytest.mark.django_db(transaction=True)


class Sleeper:
    """A client that falls asleep before a call and wakes when told to."""

    def __init__(self, client: KubeClient, *, before: str) -> None:
        self._client = client
        self._before = before
        self.asleep, self.awake = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._slow(found) if name == self._before else found

    def _slow(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def sleeping(*args: Any, **kwargs: Any) -> Any:
            self.asleep.set()
            assert self.awake.wait(PATIENCE)
            return call(*args, **kwargs)

        return sleeping

    def __enter__(self) -> Sleeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


@contextmanager
def older_pusher(monkeypatch: pytest.MonkeyPatch, *, before: str) -> Iterator[Sleeper]:
    """A pusher in another thread with its own connection, asleep right before its first such call."""
    made: list[Sleeper] = []
    ready = threading.Event()

    def client_for(cluster):
        if threading.current_thread().name != "older":
            return kube_client(cluster)
        made.append(Sleeper(kube_client(cluster), before=before))
        ready.set()
        return made[0]

    def run() -> None:
        try:
            pushing.push_due("older", 1)
        finally:
            connection.close()

    monkeypatch.setattr(pushing, "kube_client", client_for)
    thread = threading.Thread(target=run, name="older")
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        assert made[0].asleep.wait(PATIENCE)
        yield made[0]
    finally:
        if made:
            made[0].awake.set()
        thread.join(PATIENCE)


def let_the_lease_run_out() -> None:
    NamespacePush.objects.update(lease_until=timezone.now())


@pytest.fixture
def cilium(control_plane: ControlPlane, transactional_db) -> Fleet:
    made = make_fleet()
    made.add_site(control_plane, stage="staging", namespace=unique("race"))
    return made


@pytest.fixture
def plain(plain_control_plane: ControlPlane, transactional_db) -> Fleet:
    made = make_fleet()
    made.add_site(plain_control_plane, stage="staging", namespace=unique("race"))
    return made


def live_generation(fleet: Fleet, kind: str) -> int:
    with kubectl_on(fleet.sites["staging"].plane) as kubectl:
        return int(kubectl.get(kind, fleet.namespace)["metadata"]["annotations"]["sallyport.dev/generation"])


def test_an_update_of_an_older_generation_is_refused(cilium: Fleet, monkeypatch) -> None:
    cilium.grant("10.20.0.0/16")
    cilium.push()
    cilium.grant("10.30.0.0/16")
    with older_pusher(monkeypatch, before="write") as older:
        let_the_lease_run_out()
        cilium.grant("10.40.0.0/16")
        assert cilium.push() == 1
        newest = cilium.sites["staging"].push.published.generation
        older.awake.set()

    assert live_generation(cilium, CNP) == newest
    push = cilium.sites["staging"].push
    assert (push.state, push.published.generation) == ("idle", newest)
    generations = LedgerEntry.objects.filter(action="bundle.published").values_list("details__generation", flat=True)
    assert sorted(generations) == sorted(set(generations))
    assert max(generations) == newest


def test_an_object_that_an_older_generation_creates_late_is_taken_back(plain: Fleet, monkeypatch) -> None:
    """The newer one has revoked the workload's entry; the older one then creates the object that held it."""
    plain.grant("10.20.0.0/16")
    plain.push()
    doomed = plain.grant("192.0.2.0/24", workload="app=db")
    with older_pusher(monkeypatch, before="create") as older:
        let_the_lease_run_out()
        plain.revoke(doomed.entry)
        assert plain.push() == 1
        older.awake.set()

    with kubectl_on(plain.sites["staging"].plane) as kubectl:
        assert kubectl.names(NP, plain.namespace) == ["sallyport-egress"]
    assert doomed.entry.passport not in plain.sites["staging"].push.published.passports
    assert plain.sites["staging"].push.state == "idle"


def test_a_pusher_whose_lease_ran_out_records_nothing(cilium: Fleet, monkeypatch) -> None:
    cilium.grant("10.20.0.0/16")
    with older_pusher(monkeypatch, before="list_objects") as older:
        let_the_lease_run_out()
        assert cilium.push() == 1
        told = LedgerEntry.objects.count()
        older.awake.set()

    assert LedgerEntry.objects.count() == told
    assert cilium.sites["staging"].push.state == "idle"


def test_of_many_claimers_one_gets_the_row(cilium: Fleet) -> None:
    cilium.grant()
    find_work(timezone.now())
    together, got = threading.Barrier(6), []

    def claim() -> None:
        try:
            together.wait(PATIENCE)
            got.append(claim_next(worker="racer", at=timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert len(got) == 6
    assert sum(one is not None for one in got) == 1
