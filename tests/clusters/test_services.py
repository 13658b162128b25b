import pytest

from accounts.errors import InvalidText
from clusters.errors import (
    ClusterNameTaken,
    ClusterRetired,
    FleetForbidden,
    InvalidCluster,
    NamespaceMissing,
    NamespaceReassigned,
)
from clusters.models import Cluster, Contact, Environment, Namespace
from clusters.services import (
    accept_identity,
    assign_namespace,
    request_contact,
    retire_cluster,
    update_cluster,
)
from ledger.models import LedgerEntry
from tests import factories
from tests.clusters import factories as fleet

pytestmark = pytest.mark.django_db


def test_the_default_stages_are_there_and_two_are_not_production():
    tiers = dict(Environment.objects.values_list("slug", "tier"))

    assert tiers == {"development": "non-production", "staging": "non-production", "production": "production"}


def test_registering_opens_a_connection_test():
    cluster = fleet.cluster("atlas")

    contact = Contact.objects.get(cluster=cluster)
    assert (contact.kind, contact.state) == ("test", "due")
    assert cluster.state == Cluster.State.REGISTERED


def test_a_taken_name_is_a_conflict_and_leaves_one_cluster():
    fleet.cluster("atlas")

    with pytest.raises(ClusterNameTaken):
        fleet.cluster("atlas")

    assert Cluster.objects.count() == 1


def test_a_namespace_gets_its_team_once_in_the_ledger():
    engineer, team = factories.platform_engineer(), factories.team("payments")
    namespace = fleet.namespace(fleet.cluster())

    assign_namespace(actor=engineer, namespace_id=namespace.pk, team_id=team.pk)
    assign_namespace(actor=engineer, namespace_id=namespace.pk, team_id=team.pk)

    entry = LedgerEntry.objects.get(action="namespace.assigned")
    assert entry.details["after"] == "payments"
    assert entry.team_id == team.pk


def test_taking_a_namespace_away_is_told_to_the_team_that_had_it():
    engineer, team = factories.platform_engineer(), factories.team()
    namespace = fleet.namespace(fleet.cluster(), team=team)

    assign_namespace(actor=engineer, namespace_id=namespace.pk, team_id=None)

    assert LedgerEntry.objects.get(action="namespace.assigned").team_id == team.pk


def test_a_stale_assignment_changes_nothing():
    first, second = factories.team(), factories.team()
    namespace = fleet.namespace(fleet.cluster(), team=first)

    with pytest.raises(NamespaceReassigned):
        assign_namespace(
            actor=factories.platform_engineer(), namespace_id=namespace.pk, team_id=second.pk, seen_team_id=None
        )

    assert Namespace.objects.get(pk=namespace.pk).team == first


def test_a_lead_cannot_assign_a_namespace_even_to_the_own_team():
    team = factories.team()
    namespace = fleet.namespace(fleet.cluster(owner=team))

    with pytest.raises(FleetForbidden):
        assign_namespace(actor=factories.lead(team), namespace_id=namespace.pk, team_id=team.pk)

    assert not LedgerEntry.objects.filter(action="namespace.assigned").exists()


def test_an_unknown_namespace_is_missing():
    with pytest.raises(NamespaceMissing):
        assign_namespace(actor=factories.platform_engineer(), namespace_id=factories.team().pk, team_id=None)


def test_a_second_request_for_a_contact_finds_the_open_one():
    engineer, cluster = factories.platform_engineer(), fleet.cluster()

    first = request_contact(actor=engineer, cluster_id=cluster.pk, kind="inventory")
    second = request_contact(actor=engineer, cluster_id=cluster.pk, kind="inventory")

    assert first == second
    assert LedgerEntry.objects.filter(action="contact.requested").count() == 1


def test_a_contact_is_a_test_or_an_inventory():
    with pytest.raises(InvalidCluster):
        request_contact(actor=factories.platform_engineer(), cluster_id=fleet.cluster().pk, kind="shell")


def test_an_update_tells_the_ledger_what_changed_and_only_that():
    cluster = fleet.cluster(labels={"region": "eu"})

    update_cluster(
        actor=factories.platform_engineer(),
        cluster_id=cluster.pk,
        labels={"region": "us"},
        environment_id=cluster.environment_id,
        dns={"ports": [53, 5353]},
    )

    details = LedgerEntry.objects.get(action="cluster.updated").details
    assert details["before"] == {"labels": {"region": "eu"}, "dns": {}}
    assert details["after"] == {"labels": {"region": "us"}, "dns": {"ports": [53, 5353]}}
    assert Cluster.objects.get(pk=cluster.pk).dns_allowance.ports == (53, 5353)


def test_an_update_that_changes_nothing_leaves_no_trace():
    cluster = fleet.cluster()

    update_cluster(
        actor=factories.platform_engineer(),
        cluster_id=cluster.pk,
        labels={},
        environment_id=cluster.environment_id,
        dns={},
    )

    assert not LedgerEntry.objects.filter(action="cluster.updated").exists()


def test_a_retired_cluster_takes_no_more_orders():
    engineer, cluster = factories.platform_engineer(), fleet.cluster()
    retire_cluster(actor=engineer, cluster_id=cluster.pk, reason="decommissioned")

    with pytest.raises(ClusterRetired):
        request_contact(actor=engineer, cluster_id=cluster.pk, kind="test")

    assert Contact.objects.get(cluster=cluster).state == "failed"
    assert cluster not in Cluster.objects.in_service()


@pytest.mark.parametrize("reason", [" ", "nul\x00", "x" * 501])
def test_retiring_needs_a_readable_reason(reason):
    with pytest.raises(InvalidText):
        retire_cluster(actor=factories.platform_engineer(), cluster_id=fleet.cluster().pk, reason=reason)


def test_an_identity_is_only_forgotten_after_a_mismatch():
    cluster = fleet.answered(fleet.cluster())

    with pytest.raises(InvalidCluster):
        accept_identity(actor=factories.platform_engineer(), cluster_id=cluster.pk, reason="rebuilt")

    Cluster.objects.filter(pk=cluster.pk).update(state=Cluster.State.MISMATCH)
    accept_identity(actor=factories.platform_engineer(), cluster_id=cluster.pk, reason="rebuilt")
    assert Cluster.objects.get(pk=cluster.pk).identity == ""


def test_members_see_clusters_of_their_teams_only():
    team = factories.team()
    owned, lived_on, other = fleet.cluster(owner=team), fleet.cluster(), fleet.cluster()
    fleet.namespace(lived_on, "shop", team=team)
    fleet.namespace(lived_on, "shop-two", team=team)

    seen = list(Cluster.objects.visible_to(factories.member(team)))

    assert sorted(seen, key=str) == sorted([owned, lived_on], key=str)
    assert other in Cluster.objects.visible_to(factories.reviewer())
