"""Silence proves something only while every log was listening."""

from datetime import UTC, datetime, timedelta

import pytest

from flows.coverage import covered_hours
from flows.models import CoverageGap, DeliveredHour, FlowSource
from flows.usage import usage_of
from tests import factories
from tests.allowlist.factories import proposal, revision
from tests.clusters import factories as fleet
from tests.flows.factories import source

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def listening(cluster, *, since=START - HOUR, hours=range(10), name="hubble"):
    made = source(cluster, name=name)[0]
    FlowSource.objects.filter(pk=made.pk).update(created_at=since)
    made.refresh_from_db()
    DeliveredHour.objects.bulk_create(DeliveredHour(source=made, hour=START + hour * HOUR, records=1) for hour in hours)
    return made


def coverage(cluster, *, hours=10, since=START):
    known = covered_hours([cluster.pk], since=START, until=START + hours * HOUR)
    return known.over([cluster.pk], since=since)


def test_a_log_that_delivered_every_hour_covers_all():
    cluster = fleet.cluster()
    listening(cluster)

    assert (coverage(cluster).hours, coverage(cluster).covered) == (10, 10)
    assert coverage(cluster).is_complete


def test_without_a_source_nothing_is_covered():
    assert coverage(fleet.cluster()).covered == 0
    assert not coverage(fleet.cluster()).is_complete


def test_a_silent_hour_is_not_covered():
    cluster = fleet.cluster()
    listening(cluster, hours=[0, 1, 2, 4, 5, 6, 7, 8, 9])

    assert coverage(cluster).covered == 9
    assert coverage(cluster).percent == 90


def test_every_source_must_have_delivered_in_whichever_order_they_were_made():
    cluster = fleet.cluster()
    listening(cluster, hours=range(6), name="node-a")
    listening(cluster, hours=range(4, 10), name="node-b")

    assert coverage(cluster).covered == 2


def test_a_source_that_was_not_there_yet_or_no_more_owes_nothing():
    cluster = fleet.cluster()
    first = listening(cluster, hours=range(5), name="old")
    FlowSource.objects.filter(pk=first.pk).update(revoked_at=START + 5 * HOUR)
    listening(cluster, since=START + 5 * HOUR, hours=range(5, 10), name="new")

    assert coverage(cluster).is_complete


def test_the_hour_in_which_a_source_began_is_not_whole():
    cluster = fleet.cluster()
    listening(cluster, since=START + timedelta(minutes=20))

    assert coverage(cluster).covered == 9


def test_lost_records_uncover_their_hours():
    cluster = fleet.cluster()
    sender = listening(cluster)
    CoverageGap.objects.create(
        cluster=cluster, source=sender, started_at=START + 2.5 * HOUR, ended_at=START + 4 * HOUR, lost=1, reason="lost"
    )

    assert coverage(cluster).covered == 7


def test_a_window_without_a_whole_hour_is_unknown():
    cluster = fleet.cluster()
    listening(cluster)

    assert coverage(cluster, since=START + 9.5 * HOUR).hours == 0
    assert not coverage(cluster, since=START + 9.5 * HOUR).is_complete


@pytest.mark.parametrize(("hours", "verdict"), [(range(10), "unused"), (range(9), "unknown")])
def test_an_entry_is_unused_only_where_the_log_covered_all_of_its_time(hours, verdict):
    team = factories.team()
    cluster = fleet.cluster(owner=team)
    fleet.namespace(cluster, "shop", team=team)
    listening(cluster, hours=hours)
    entry = revision(team, proposal(namespaces=("shop",), at=START), at=START).entry

    usage = usage_of([entry], since=START - timedelta(days=5), at=START + 10 * HOUR)[entry.pk]

    assert usage.verdict == verdict
    assert usage.coverage.hours == 10


def test_an_entry_that_no_cluster_carries_is_unknown():
    team = factories.team()
    entry = revision(team, proposal(namespaces=("nowhere",), at=START), at=START).entry

    assert usage_of([entry], at=START + 10 * HOUR)[entry.pk].verdict == "unknown"


def test_usage_of_many_entries_takes_a_constant_number_of_queries(django_assert_num_queries):
    team = factories.team()
    cluster = fleet.cluster(owner=team)
    fleet.namespace(cluster, "shop", team=team)
    listening(cluster)
    entries = [
        revision(team, proposal(f"h{n}.example.com", namespaces=("shop",), at=START), at=START).entry for n in range(6)
    ]

    with django_assert_num_queries(8):
        usage_of(entries[:2], at=START + 10 * HOUR)
    with django_assert_num_queries(8):
        usage_of(entries, at=START + 10 * HOUR)
