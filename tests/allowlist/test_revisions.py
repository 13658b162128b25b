"""Approved revisions, the tiers that carry them, and the generations that follow."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from allowlist import desired, services
from allowlist.errors import InvalidEnd, MayNotEnrol, NotInForce, SupersededRevision, UnknownNamespace
from allowlist.models import DesiredNamespace, Entry, EntryRevision
from clusters.models import Namespace, Tier
from ledger.models import LedgerEntry
from policy.bundles import canonical_json
from tests.allowlist import factories as make
from tests.factories import member, platform_engineer, team

pytestmark = pytest.mark.django_db


def generations(tier: str) -> list[int]:
    rows = DesiredNamespace.objects.filter(enforcement_point__cluster__environment__tier=tier)
    return list(rows.values_list("generation", flat=True))


def carried(cluster, name="payments", at=None) -> list[str]:
    found = desired.desired_revisions(
        enforcement_point=cluster.enforcement_points.get(),
        namespace=Namespace.objects.get(cluster=cluster, name=name),
        at=at or timezone.now(),
    )
    return [str(one) for one in found]


def test_a_new_entry_is_wanted_in_non_production_only():
    ours = team()
    fleet = make.fleet(ours)

    first = make.revision(ours)

    assert carried(fleet[Tier.NON_PRODUCTION]) == [str(first)]
    assert carried(fleet[Tier.PRODUCTION]) == []
    assert generations(Tier.NON_PRODUCTION) == [1]
    assert generations(Tier.PRODUCTION) == []


def test_promotion_lets_production_want_it():
    ours = team()
    fleet = make.fleet(ours)
    first = make.revision(ours)

    services.promote_revision(actor=None, revision_id=first.pk)

    first.refresh_from_db()
    assert first.promoted_at is not None
    assert carried(fleet[Tier.PRODUCTION]) == [str(first)]
    assert generations(Tier.PRODUCTION) == [1]
    assert generations(Tier.NON_PRODUCTION) == [1]


def test_promoting_twice_changes_nothing_more():
    ours = team()
    make.fleet(ours)
    first = make.revision(ours)
    services.promote_revision(actor=None, revision_id=first.pk)

    services.promote_revision(actor=None, revision_id=first.pk)

    assert generations(Tier.PRODUCTION) == [1]


def test_a_superseded_revision_never_reaches_production():
    ours = team()
    make.fleet(ours)
    first = make.revision(ours)
    make.revision(ours, make.proposal("other.example.com"), entry=first.entry)

    with pytest.raises(SupersededRevision):
        services.promote_revision(actor=None, revision_id=first.pk)


def test_a_changed_scope_bumps_what_it_leaves_and_what_it_enters():
    ours = team()
    fleet = make.fleet(ours, names=("payments", "billing"))
    first = make.revision(ours)

    make.revision(ours, make.proposal(namespaces=("billing",)), entry=first.entry)

    by_name = dict(DesiredNamespace.objects.values_list("namespace__name", "generation"))
    assert by_name == {"payments": 2, "billing": 1}
    assert carried(fleet[Tier.NON_PRODUCTION]) == []
    assert carried(fleet[Tier.NON_PRODUCTION], "billing") == [f"{first.entry.passport} r2"]


def test_a_revocation_is_a_tombstone_that_first_empties_non_production():
    ours = team()
    fleet = make.fleet(ours)
    entry = make.entry_in_force(ours)

    tombstone = make.revision(ours, make.proposal(), entry=entry, kind=EntryRevision.Kind.REVOCATION)

    assert carried(fleet[Tier.NON_PRODUCTION]) == []
    assert len(carried(fleet[Tier.PRODUCTION])) == 1
    services.promote_revision(actor=None, revision_id=tombstone.pk)
    assert carried(fleet[Tier.PRODUCTION]) == []
    assert not Entry.objects.in_force(timezone.now()).exists()


def test_an_ended_entry_is_wanted_nowhere_even_if_no_scheduler_runs():
    ours = team()
    fleet = make.fleet(ours)
    make.entry_in_force(ours)

    assert carried(fleet[Tier.PRODUCTION], at=timezone.now() + timedelta(days=91)) == []


def test_another_teams_namespace_of_the_same_name_gets_nothing():
    ours, theirs = team(), team()
    cluster = make.cluster("shared-1", owner=theirs)
    make.namespace(cluster, "payments", of=theirs)

    make.revision(ours)

    assert carried(cluster) == []
    assert generations(Tier.NON_PRODUCTION) == []


def test_labels_and_environments_choose_the_clusters():
    ours = team()
    east = make.cluster("east", owner=ours, labels={"region": "eu", "line": "a"})
    west = make.cluster("west", owner=ours, labels={"region": "us"})
    for cluster in (east, west):
        make.namespace(cluster, "payments", of=ours)

    make.revision(ours, make.proposal(cluster_labels="region=eu"))
    make.revision(ours, make.proposal("two.example.com", environments=("elsewhere",)))

    assert len(carried(east)) == 1
    assert carried(west) == []


def test_an_extension_moves_the_end_in_both_tiers_and_nothing_else():
    ours = team()
    fleet = make.fleet(ours)
    entry = make.entry_in_force(ours)
    end = timezone.now() + timedelta(days=200)

    services.extend_entry(actor=member(ours), entry_id=entry.pk, expires_at=end, note="kept")

    entry.refresh_from_db()
    assert entry.in_production == entry.in_non_production
    assert entry.latest.expires_at == end
    assert entry.latest.destination == "api.example.com"
    assert [generations(tier) for tier in Tier.values] == [[2], [2]]
    assert carried(fleet[Tier.PRODUCTION]) == [f"{entry.passport} r2"]
    assert LedgerEntry.objects.filter(action="entry.extended").count() == 1


def test_an_extension_keeps_a_pending_change_out_of_production():
    ours = team()
    make.fleet(ours)
    entry = make.entry_in_force(ours)
    make.revision(ours, make.proposal("other.example.com"), entry=entry)

    services.extend_entry(actor=member(ours), entry_id=entry.pk, expires_at=timezone.now() + timedelta(days=200))

    entry.refresh_from_db()
    assert entry.in_production.destination == "api.example.com"
    assert entry.latest.destination == "other.example.com"
    assert entry.latest.number > entry.in_production.number
    assert entry.latest.promoted_at is None
    services.promote_revision(actor=None, revision_id=entry.latest.pk)


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_an_extension_has_its_limits(days):
    ours = team()
    make.fleet(ours)
    entry = make.entry_in_force(ours)
    now = timezone.now()

    with pytest.raises(InvalidEnd):
        services.extend_entry(actor=member(ours), entry_id=entry.pk, expires_at=now + timedelta(days=days), at=now)


def test_what_has_ended_is_not_extended():
    ours = team()
    make.fleet(ours)
    entry = make.entry_in_force(ours)
    later = timezone.now() + timedelta(days=91)

    with pytest.raises(NotInForce):
        services.extend_entry(actor=member(ours), entry_id=entry.pk, expires_at=later + timedelta(days=9), at=later)


def test_an_end_bumps_the_targets_once():
    ours = team()
    make.fleet(ours)
    make.entry_in_force(ours)
    later = timezone.now() + timedelta(days=91)

    assert services.bump_expired(later) == 2
    assert services.bump_expired(later) == 0
    assert [generations(tier) for tier in Tier.values] == [[2], [2]]
    assert set(DesiredNamespace.objects.values_list("reason", "next_expiry_at")) == {("an entry ended", None)}


def test_a_change_below_the_entries_bumps_too():
    ours, theirs = team(), team()
    fleet = make.fleet(ours)
    make.entry_in_force(ours)
    assert services.bump_expired() == 0

    Namespace.objects.filter(cluster=fleet[Tier.PRODUCTION]).update(team=theirs)
    point = fleet[Tier.NON_PRODUCTION].enforcement_points.get()
    point.dialect = "networkpolicy"
    point.save()

    assert services.bump_expired() == 2
    assert carried(fleet[Tier.PRODUCTION]) == []


def test_enrolment_puts_a_namespace_under_default_deny():
    ours = team()
    cluster = make.cluster("stage-1", owner=ours)
    name = make.namespace(cluster, "payments", of=ours)

    rows = services.enrol_namespace(actor=platform_engineer(), namespace_id=name.pk)

    assert [row.generation for row in rows] == [1]
    assert services.enrol_namespace(actor=platform_engineer(), namespace_id=name.pk) == []
    assert LedgerEntry.objects.filter(action="namespace.enrolled").count() == 1


def test_enrolment_is_for_platform_engineers_and_known_namespaces():
    ours = team()
    name = make.namespace(make.cluster("stage-1", owner=ours), "payments", of=ours)

    with pytest.raises(MayNotEnrol):
        services.enrol_namespace(actor=member(ours), namespace_id=name.pk)
    with pytest.raises(UnknownNamespace):
        services.enrol_namespace(actor=platform_engineer(), namespace_id=ours.pk)


def test_the_bundle_carries_the_passports_of_what_is_wanted():
    ours = team()
    fleet = make.fleet(ours)
    entry = make.entry_in_force(ours)
    point = fleet[Tier.PRODUCTION].enforcement_points.get()
    name = Namespace.objects.get(cluster=fleet[Tier.PRODUCTION])
    later = make.revision(ours, make.proposal("new.example.com"))

    def passports(**change) -> list[str]:
        bundle = desired.compile_desired(enforcement_point=point, namespace=name, at=timezone.now(), **change)
        return [word for word in (entry.passport, later.entry.passport) if word in bundle.as_json().decode()]

    assert passports() == [entry.passport]
    assert passports(without_entry=entry) == []
    assert passports(with_revision=later) == [entry.passport, later.entry.passport]


def test_many_targets_are_read_in_a_constant_number_of_queries(django_assert_num_queries):
    ours = team()
    names = tuple(f"n{number}" for number in range(12))
    make.fleet(ours, names=names)
    for number in range(12):
        make.entry_in_force(ours, make.proposal(f"a{number}.example.com", namespaces=names))
    targets = desired.enrolled_targets()
    assert len(targets) == 24

    with django_assert_num_queries(1):
        found = desired.desired_for_many(targets, at=timezone.now())
        assert {len(one) for one in found.values()} == {12}
        assert canonical_json(desired.fingerprint_of(targets[0], found[targets[0].key]))


def refused_by_the_database(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE allowlist_entryrevision SET destination = 'evil.example.com'",
        "UPDATE allowlist_entryrevision SET expires_at = expires_at + interval '1 day'",
        "UPDATE allowlist_entryrevision SET promoted_at = now() + interval '1 day'",
        "DELETE FROM allowlist_entryrevision_approved_by; DELETE FROM allowlist_entryrevision",
        "UPDATE allowlist_entry SET passport = 'SP-AAAAA'",
        "DELETE FROM allowlist_entry",
        "UPDATE allowlist_desirednamespace SET generation = generation - 1",
    ],
)
def test_the_database_holds_what_was_approved(statement):
    ours = team()
    make.fleet(ours)
    make.entry_in_force(ours)

    assert refused_by_the_database(statement)
