"""Pushing to real API servers; the official client is the witness."""

from __future__ import annotations

import pytest

from ledger.models import LedgerEntry
from rollouts.models import Bundle, NamespacePush
from rollouts.pushing import push_due
from tests.rollouts.fleet import Fleet, kubectl_on
from tests.rollouts.manifests import foreign, network_policy, rule

CNP, NP = "CiliumNetworkPolicy", "NetworkPolicy"


def descriptions(policy: dict) -> list[str]:
    return [spec["description"] for spec in policy["specs"]]


def test_a_grant_lies_on_a_cilium_cluster_as_it_was_compiled(fleet: Fleet) -> None:
    revision = fleet.grant("api.example.com")
    assert fleet.push() == 1

    site = fleet.sites["staging"]
    push = site.push
    with kubectl_on(site.plane) as kubectl:
        stored = kubectl.get(CNP, fleet.namespace)
    assert f"{revision.entry.passport} api.example.com" in descriptions(stored)
    assert stored["specs"] == push.published.objects_json[0]["specs"]
    assert stored["metadata"]["annotations"]["sallyport.dev/generation"] == str(push.published.generation)
    assert (push.state, push.attempts, push.last_error) == ("idle", 0, "")
    assert push.default_deny_since
    assert push.dns_allowed_since


def test_workloads_of_a_plain_cluster_get_objects_of_their_own(plain_fleet: Fleet) -> None:
    plain_fleet.grant("10.20.0.0/16")
    plain_fleet.grant("192.0.2.0/24", workload="app=db")
    plain_fleet.push()

    site = plain_fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        names = kubectl.names(NP, plain_fleet.namespace)
        base = kubectl.get(NP, plain_fleet.namespace)
    assert len(names) == 2
    assert names[0] == "sallyport-egress"
    assert base["spec"]["policyTypes"] == ["Egress"]
    assert {} not in base["spec"]["egress"]
    assert base["spec"] == next(
        item["spec"] for item in site.push.published.objects_json if item["metadata"]["name"] == "sallyport-egress"
    )


def test_pushing_again_writes_nothing_and_tells_nothing(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        before = kubectl.get(CNP, fleet.namespace)["metadata"]["resourceVersion"]
        NamespacePush.objects.update(state="due")

        assert fleet.push() == 1

        assert kubectl.get(CNP, fleet.namespace)["metadata"]["resourceVersion"] == before
    assert LedgerEntry.objects.filter(action="bundle.published").count() == 1


def test_a_changed_entry_is_updated_in_place(fleet: Fleet) -> None:
    revision = fleet.grant("10.20.0.0/16")
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        uid = kubectl.get(CNP, fleet.namespace)["metadata"]["uid"]
        fleet.grant("10.30.0.0/16", entry=revision.entry)
        fleet.push()
        stored = kubectl.get(CNP, fleet.namespace)

    assert stored["metadata"]["uid"] == uid
    assert f"{revision.entry.passport} 10.30.0.0/16" in descriptions(stored)
    assert f"{revision.entry.passport} 10.20.0.0/16" not in descriptions(stored)


def test_a_revoked_entry_is_gone_and_its_own_object_with_it(plain_fleet: Fleet) -> None:
    plain_fleet.grant("10.20.0.0/16")
    revision = plain_fleet.grant("192.0.2.0/24", workload="app=db")
    plain_fleet.push()
    plain_fleet.revoke(revision.entry)
    plain_fleet.push()

    site = plain_fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        assert kubectl.names(NP, plain_fleet.namespace) == ["sallyport-egress"]
    assert revision.entry.passport not in site.push.published.passports


def test_somebody_elses_policy_is_not_touched(plain_fleet: Fleet) -> None:
    theirs = foreign(network_policy(rule("203.0.113.0/24")))
    theirs["metadata"] = {"name": "theirs", "namespace": plain_fleet.namespace, "labels": {"team": "shop"}}
    theirs.pop("status")
    site = plain_fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        kubectl.create(theirs)
        before = kubectl.get(NP, plain_fleet.namespace, "theirs")
        plain_fleet.grant()
        plain_fleet.push()

        assert kubectl.get(NP, plain_fleet.namespace, "theirs") == before


def test_names_on_a_plain_cluster_are_recorded_as_impossible(plain_fleet: Fleet) -> None:
    revision = plain_fleet.grant("api.example.com")
    plain_fleet.push()

    bundle = Bundle.objects.get()
    assert bundle.passports == []
    assert bundle.fidelity[revision.entry.passport]["verdict"] == "impossible"


def test_an_edited_object_of_ours_is_rewritten_by_the_next_generation(fleet: Fleet) -> None:
    fleet.grant("10.20.0.0/16")
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        kubectl.patch(CNP, fleet.namespace, [{"op": "remove", "path": "/specs/1"}])
        fleet.grant("192.0.2.0/24")
        fleet.push()

        assert kubectl.get(CNP, fleet.namespace)["specs"] == site.push.published.objects_json[0]["specs"]


def test_a_newer_generation_on_the_cluster_freezes_the_push_until_a_person_decides(fleet: Fleet) -> None:
    from rollouts.services import release_hold

    fleet.grant("10.20.0.0/16")
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        ahead = {"metadata": {"annotations": {"sallyport.dev/generation": "41"}}}
        kubectl.patch(CNP, fleet.namespace, ahead)
        fleet.grant("192.0.2.0/24")
        fleet.push()

        held = site.push
        assert (held.state, held.generation_ahead) == ("held", 41)
        assert len(kubectl.get(CNP, fleet.namespace)["specs"]) == 2

        release_hold(actor=fleet.engineer, push_id=held.pk)
        fleet.push()
        assert site.push.published.generation == 42
        assert len(kubectl.get(CNP, fleet.namespace)["specs"]) == 3


def test_a_large_removal_is_held_and_goes_on_when_released(fleet: Fleet) -> None:
    from rollouts.services import release_hold

    revisions = [fleet.grant(f"10.{number}.0.0/16") for number in range(6)]
    fleet.push()
    for revision in revisions[:5]:
        fleet.revoke(revision.entry)
    fleet.push()

    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        assert site.push.state == "held"
        assert len(kubectl.get(CNP, fleet.namespace)["specs"]) == 7

        release_hold(actor=fleet.engineer, push_id=site.push.pk)
        fleet.push()
        assert len(kubectl.get(CNP, fleet.namespace)["specs"]) == 2
    actions = LedgerEntry.objects.filter(action__startswith="push.").order_by("sequence")
    assert list(actions.values_list("action", flat=True)) == ["push.held", "push.released"]


@pytest.mark.parametrize("wrong", ["uid of another cluster"])
def test_nothing_is_written_to_another_cluster_at_the_same_address(fleet: Fleet, wrong: str) -> None:
    site = fleet.sites["staging"]
    type(site.cluster).objects.filter(pk=site.cluster.pk).update(identity=wrong)
    fleet.grant()
    fleet.push()

    with kubectl_on(site.plane) as kubectl:
        assert kubectl.names(CNP, fleet.namespace) == []
    assert site.push.state == "failed"
    site.cluster.refresh_from_db()
    assert site.cluster.state == "mismatch"


def test_a_namespace_made_anew_is_left_alone_until_an_inventory_has_seen_it(fleet: Fleet) -> None:
    site = fleet.sites["staging"]
    type(site.namespace).objects.filter(pk=site.namespace.pk).update(uid="the former one")
    fleet.grant()
    fleet.push()

    assert site.push.state == "failed"
    assert "made anew" in site.push.last_error
    with kubectl_on(site.plane) as kubectl:
        assert kubectl.names(CNP, fleet.namespace) == []


def test_a_process_without_the_opening_key_pushes_nothing(fleet: Fleet, settings) -> None:
    settings.CREDENTIAL_OPENING_KEYS = []
    fleet.grant()

    assert push_due("web") == 0
    assert not NamespacePush.objects.exists()
