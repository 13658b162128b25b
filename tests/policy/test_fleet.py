"""Compiling for a fleet gives what each cluster alone would get, and does the work once."""

from dataclasses import replace

from hypothesis import given, settings

from policy.compilation import compile_namespace
from policy.destinations import host
from policy.entries import PolicyEntry
from policy.fleet import FleetCompiler
from policy.ports import parse_ports
from tests.policy.compilers.cases import POINTS, TEMPLATE
from tests.policy.strategies import AT, entries


def some(count: int) -> list[PolicyEntry]:
    return [
        PolicyEntry(f"SP-{number:05d}", host(f"h{number}.example.com"), parse_ports("443")) for number in range(count)
    ]


def facts(point: str, given_entries, *, namespace: str = "shop"):
    return {
        "capabilities": POINTS[point],
        "template": TEMPLATE,
        "namespace": namespace,
        "entries": given_entries,
        "at": AT,
    }


@settings(max_examples=20, deadline=None)
@given(entries(), entries())
def test_shared_work_changes_no_byte(one, other):
    fleet = FleetCompiler(max_renderings=3, max_bundles=2)

    for point in ("cilium", "calico", "squid"):
        for given_entries in (one, other, list(reversed(one))):
            alone = compile_namespace(**facts(point, given_entries))
            shared = fleet.compile_namespace(**facts(point, given_entries))
            assert shared.as_json() == alone.as_json()


def test_an_entry_is_rendered_once_for_all_clusters_and_namespaces():
    fleet = FleetCompiler()
    given_entries = some(10)

    first = fleet.compile_namespace(**facts("cilium", given_entries))
    again = fleet.compile_namespace(**facts("cilium", reversed(given_entries)))
    fleet.compile_namespace(**facts("cilium", given_entries, namespace="stock"))

    assert again is first
    assert (fleet.work.rendered, fleet.work.assembled, fleet.work.shared) == (10, 2, 1)


def test_after_an_edit_only_the_edited_entry_is_rendered():
    fleet = FleetCompiler()
    given_entries = some(10)
    before = fleet.compile_namespace(**facts("cilium", given_entries))
    edited = [replace(given_entries[0], ports=parse_ports("8443")), *given_entries[1:]]

    after = fleet.compile_namespace(**facts("cilium", edited))

    assert fleet.work.rendered == 11
    assert after.hash != before.hash
    assert after.as_json() == compile_namespace(**facts("cilium", edited)).as_json()


def test_an_entry_that_ends_between_two_runs_is_gone_from_the_second():
    fleet = FleetCompiler()
    ending = [replace(some(1)[0], expires_at=AT.replace(month=12))]

    assert fleet.compile_namespace(**facts("cilium", ending)).fidelity
    later = facts("cilium", ending) | {"at": AT.replace(month=12)}
    assert not fleet.compile_namespace(**later).fidelity
