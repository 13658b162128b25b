"""What somebody else does to our objects is seen, told and put right."""

from __future__ import annotations

import pytest

from ledger.models import LedgerEntry
from rollouts.comparison import compare_due
from rollouts.errors import InvalidEnd, NotAllowed, NotOursToRevert, Unknown
from rollouts.models import DriftFinding, NamespacePush
from rollouts.services import accept_drift, request_comparison, revert_drift
from tests import factories
from tests.rollouts.fleet import Fleet, kubectl_on, soon
from tests.rollouts.manifests import network_policy, rule

CNP, NP = "CiliumNetworkPolicy", "NetworkPolicy"


def compare(fleet: Fleet) -> list[DriftFinding]:
    for site in fleet.sites.values():
        request_comparison(actor=fleet.engineer, cluster_id=site.cluster.pk)
    compare_due("test")
    return list(DriftFinding.objects.open())


def by_hand(namespace: str, name: str, **labels: str) -> dict:
    made = network_policy(rule("203.0.113.0/24"), name=name)
    made["metadata"] = {"name": name, "namespace": namespace, "labels": labels}
    return made


def test_an_untouched_cluster_has_no_drift(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()

    assert compare(fleet) == []


def test_a_changed_object_is_told_with_who_and_when_and_reverted(fleet: Fleet) -> None:
    fleet.grant("10.20.0.0/16")
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        wider = [{"op": "replace", "path": "/specs/1/egress/0/toCIDRSet/0/cidr", "value": "10.0.0.0/8"}]
        kubectl.patch(CNP, fleet.namespace, wider)
        (finding,) = compare(fleet)

        assert (finding.difference, finding.changed_by) == ("changed", "kubectl-edit")
        assert finding.changed_at
        assert [(one["published"], one["live"]) for one in finding.fields] == [("10.20.0.0/16", "10.0.0.0/8")]
        assert finding.published["specs"] != finding.live["specs"]
        assert finding.approved["specs"] == finding.published["specs"]

        revert_drift(actor=fleet.engineer, finding_id=finding.pk)
        fleet.push()
        assert kubectl.get(CNP, fleet.namespace)["specs"] == site.push.published.objects_json[0]["specs"]
    finding.refresh_from_db()
    assert (finding.resolution, finding.resolved_by) == ("reverted", fleet.engineer)
    assert compare(fleet) == []
    actions = LedgerEntry.objects.filter(action__startswith="drift.").order_by("sequence")
    assert list(actions.values_list("action", flat=True)) == ["drift.found", "drift.revert-asked", "drift.reverted"]


def test_a_deleted_object_is_missing_and_comes_back(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()
    site = fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        kubectl.delete(CNP, fleet.namespace)
        (finding,) = compare(fleet)
        assert finding.difference == "missing"
        assert site.push.default_deny_since is None

        revert_drift(actor=fleet.engineer, finding_id=finding.pk)
        fleet.push()
        assert kubectl.get(CNP, fleet.namespace) is not None
    assert site.push.default_deny_since


def test_an_object_that_only_pretends_to_be_ours_goes_when_a_person_says_so(plain_fleet: Fleet) -> None:
    plain_fleet.grant()
    plain_fleet.push()
    site = plain_fleet.sites["staging"]
    pretender = by_hand(plain_fleet.namespace, "pretender", **{"app.kubernetes.io/managed-by": "sallyport"})
    with kubectl_on(site.plane) as kubectl:
        kubectl.create(pretender)
        plain_fleet.grant("192.0.2.0/24")
        plain_fleet.push()
        (finding,) = compare(plain_fleet)
        assert (finding.difference, finding.changed_by) == ("extra", "kubectl-create")
        assert kubectl.names(NP, plain_fleet.namespace) == ["pretender", "sallyport-egress"]

        revert_drift(actor=plain_fleet.engineer, finding_id=finding.pk)
        plain_fleet.push()
        assert kubectl.names(NP, plain_fleet.namespace) == ["sallyport-egress"]
    finding.refresh_from_db()
    assert finding.resolution == "reverted"


def test_somebody_elses_opening_is_shown_and_never_touched(plain_fleet: Fleet) -> None:
    plain_fleet.grant()
    plain_fleet.push()
    site = plain_fleet.sites["staging"]
    with kubectl_on(site.plane) as kubectl:
        kubectl.create(by_hand(plain_fleet.namespace, "theirs", team="shop"))
        (finding,) = compare(plain_fleet)
        assert finding.difference == "foreign"

        with pytest.raises(NotOursToRevert):
            revert_drift(actor=plain_fleet.engineer, finding_id=finding.pk)

        kubectl.delete(NP, plain_fleet.namespace, "theirs")
    assert compare(plain_fleet) == []
    finding.refresh_from_db()
    assert finding.resolution == "gone"


def test_a_finding_stays_one_row_however_often_it_is_seen(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()
    with kubectl_on(fleet.sites["staging"].plane) as kubectl:
        kubectl.delete(CNP, fleet.namespace)
    first = compare(fleet)

    assert compare(fleet) == first
    assert LedgerEntry.objects.filter(action="drift.found").count() == 1


def test_an_accepted_difference_is_out_of_the_count_until_its_date(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()
    with kubectl_on(fleet.sites["staging"].plane) as kubectl:
        kubectl.delete(CNP, fleet.namespace)
    (finding,) = compare(fleet)

    accept_drift(actor=fleet.reviewer, finding_id=finding.pk, until=soon(days=3), note="Migration window of the team.")

    assert not DriftFinding.objects.unaccepted(soon()).exists()
    assert DriftFinding.objects.unaccepted(soon(days=4)).exists()
    with pytest.raises(InvalidEnd):
        accept_drift(actor=fleet.reviewer, finding_id=finding.pk, until=soon(days=-1), note="Too late for that.")


def test_an_unreachable_cluster_has_no_drift_and_grows_unknown(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()
    site = fleet.sites["staging"]
    compared = site.push.compared_at
    type(site.cluster).objects.filter(pk=site.cluster.pk).update(identity="another")

    assert compare(fleet) == []
    assert site.push.compared_at == compared


def test_only_operators_revert_and_only_those_who_see_it_find_it(fleet: Fleet) -> None:
    fleet.grant()
    fleet.push()
    with kubectl_on(fleet.sites["staging"].plane) as kubectl:
        kubectl.delete(CNP, fleet.namespace)
    (finding,) = compare(fleet)

    with pytest.raises(NotAllowed):
        revert_drift(actor=fleet.lead, finding_id=finding.pk)
    with pytest.raises(Unknown):
        revert_drift(actor=factories.person(), finding_id=finding.pk)
    assert not DriftFinding.objects.exclude(revert_asked_at=None).exists()


def test_a_comparison_overtaken_by_a_push_records_nothing(fleet: Fleet, monkeypatch) -> None:
    from rollouts import comparison

    fleet.grant("10.20.0.0/16")
    fleet.push()
    real = comparison.compare

    def compare_late(published, live):
        NamespacePush.objects.update(state="claimed")
        return real(published, live)

    with kubectl_on(fleet.sites["staging"].plane) as kubectl:
        kubectl.delete(CNP, fleet.namespace)
    monkeypatch.setattr(comparison, "compare", compare_late)

    assert compare(fleet) == []
