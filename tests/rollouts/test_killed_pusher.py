"""A pusher killed between any two of its steps leaves a namespace that the next one finishes, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from ledger.models import LedgerEntry
from practice import ControlPlane
from rollouts.failpoints import BOUNDARIES, VARIABLE
from rollouts.models import NamespacePush, Rollout
from rollouts.progress import advance
from tests.rollouts.fleet import Fleet, kubectl_on, make_fleet, unique

ROOT = Path(__file__).resolve().parent.parent.parent
NP = "NetworkPolicy"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(plain_control_plane: ControlPlane, transactional_db) -> Fleet:
    made = make_fleet()
    made.add_site(plain_control_plane, stage="staging", namespace=unique("kill"))
    return made


def push_in_another_process(failpoint: str, opening_key: str) -> tuple[int, str]:
    """``manage.py push`` against the test database, to die at the failpoint; its exit status and last words."""
    address = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": address,
        "SALLYPORT_OPENING_KEYS": opening_key,
        "SALLYPORT_PUSH_LEASE_SECONDS": "5",
        VARIABLE: failpoint,
    }
    command = [sys.executable, "manage.py", "push", "--no-progress"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, timeout=90, capture_output=True, check=False)
    return ended.returncode, ended.stderr.decode()[-2000:]


def sweep(fleet: Fleet) -> None:
    """What the beat does once the dead pusher's lease has run out."""
    NamespacePush.objects.filter(state="claimed").update(lease_until=timezone.now())
    advance()
    fleet.push()
    advance()


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_live_equals_approved_after_the_sweep(boundary: str, fleet: Fleet, opening_key) -> None:
    # A first push, then one that grows the base, replaces an object of its own and deletes another.
    old = fleet.grant("10.20.0.0/16", workload="app=old")
    fleet.grant("10.21.0.0/16", workload="app=db")
    advance()
    fleet.push()
    fleet.revoke(old.entry)
    fleet.grant("10.22.0.0/16")
    fleet.grant("10.23.0.0/16", workload="app=new")

    status, words = push_in_another_process(boundary, opening_key.text())
    assert status == -signal.SIGKILL, f"{boundary} was not reached: {words}"
    sweep(fleet)

    site = fleet.sites["staging"]
    wanted = {item["metadata"]["name"]: item["spec"] for item in site.push.published.objects_json}
    with kubectl_on(site.plane) as kubectl:
        live = {name: kubectl.get(NP, fleet.namespace, name)["spec"] for name in kubectl.names(NP, fleet.namespace)}
    assert live == wanted
    assert site.push.state == "idle"
    assert old.entry.passport not in site.push.published.passports
    assert_told_once()


@pytest.mark.parametrize("boundary", ["after-write-1", "after-write-2", "after-write-3", "inside-record"])
def test_a_first_push_that_died_half_way_is_finished(boundary: str, fleet: Fleet, opening_key) -> None:
    """After the first write the base stands open; what follows must close it whoever does it."""
    fleet.grant("10.20.0.0/16")
    fleet.grant("10.21.0.0/16", workload="app=db")
    advance()

    status, words = push_in_another_process(boundary, opening_key.text())
    assert status == -signal.SIGKILL, f"{boundary} was not reached: {words}"
    sweep(fleet)

    site = fleet.sites["staging"]
    wanted = {item["metadata"]["name"]: item["spec"] for item in site.push.published.objects_json}
    with kubectl_on(site.plane) as kubectl:
        live = {name: kubectl.get(NP, fleet.namespace, name)["spec"] for name in kubectl.names(NP, fleet.namespace)}
    assert live == wanted
    assert site.push.default_deny_since
    assert_told_once(published=1)


def assert_told_once(*, published: int = 2) -> None:
    """Each published generation and each step of each rollout stands in the ledger exactly once."""
    told = LedgerEntry.objects.filter(action="bundle.published").values_list("details__generation", flat=True)
    assert len(told) == len(set(told)) == published
    steps = list(LedgerEntry.objects.filter(action__startswith="rollout.").values_list("action", "subject_id"))
    assert len(steps) == len(set(steps))
    assert set(Rollout.objects.values_list("state", flat=True)) <= {"complete", "superseded"}
