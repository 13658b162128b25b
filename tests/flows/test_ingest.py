"""Whatever is sent: each batch counts once, a bad line costs nothing but itself, and the cluster is the token's."""

import gzip
import random
import threading
import time
from datetime import timedelta

import orjson
import pytest
from django.db import close_old_connections, connection, connections
from django.utils import timezone

from flows import bodies
from flows.errors import (
    BatchIdReused,
    BodyTooLarge,
    InvalidBatchId,
    SourceForbidden,
    SourceNameTaken,
    SourceRevoked,
    TooManyLines,
    UnreadableBody,
)
from flows.models import CoverageGap, DeliveredHour, EntryUsage, FlowBatch, FlowRollup, FlowSource
from flows.services import create_source, ingest, receive, revoke_source
from ledger.models import LedgerEntry
from tests import factories
from tests.allowlist.factories import proposal, revision
from tests.clusters import factories as fleet
from tests.flows.factories import body, dns_answer, event, lost, source

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender() -> FlowSource:
    return source()[0]


@pytest.fixture
def carried():
    """A source on a non-production cluster whose namespace ``shop`` carries an entry for api.example.com."""
    team = factories.team("shop-team")
    cluster = fleet.cluster(owner=team, stage="staging")
    fleet.namespace(cluster, "shop", team=team)
    fleet.enforcement_point(cluster)
    early = timezone.now() - timedelta(days=2)
    granted = revision(team, proposal("api.example.com", namespaces=("shop",), workload="app=checkout"), at=early)
    return source(cluster)[0], granted.entry


def stored() -> list[tuple]:
    return sorted(
        map(
            str,
            FlowRollup.objects.values_list(
                "hour",
                "namespace",
                "workload",
                "destination_name",
                "destination_address",
                "port",
                "verdict",
                "flow_count",
                "first_seen_at",
                "last_seen_at",
                "entry__passport",
            ),
        )
    )


def test_flows_of_an_hour_become_one_row(sender):
    at = timezone.now().replace(minute=10, second=0, microsecond=0) - timedelta(hours=2)

    batch = ingest(source=sender, body=body(*(event(at=at + timedelta(minutes=n)) for n in range(5))))

    row = FlowRollup.objects.get()
    assert (batch.lines, batch.flows, batch.rejected) == (5, 5, 0)
    assert (row.flow_count, row.destination_name, row.destination_address, row.port) == (
        5,
        "api.example.com",
        None,
        443,
    )
    assert (row.first_seen_at, row.last_seen_at) == (
        at.replace(microsecond=0),
        (at + timedelta(minutes=4)).replace(microsecond=0),
    )
    assert row.bytes_out is None


def test_the_same_batch_again_changes_nothing(sender):
    content = body(event(), event())
    ingest(source=sender, body=content, batch_key="node-1/17")
    before = stored()

    batch, is_new = receive(source=sender, body=content, batch_key="node-1/17")

    assert not is_new
    assert batch.flows == 2
    assert stored() == before
    assert FlowBatch.objects.count() == 1


def test_without_an_id_the_content_is_the_id_however_it_is_packed(sender):
    content = body(event(), event())
    ingest(source=sender, body=content)
    before = stored()

    ingest(source=sender, body=gzip.compress(content))

    assert stored() == before


def test_an_id_used_for_another_content_is_refused(sender):
    ingest(source=sender, body=body(event()), batch_key="17")

    with pytest.raises(BatchIdReused):
        ingest(source=sender, body=body(event(namespace="other")), batch_key="17")


def test_order_of_lines_and_batches_and_repetitions_do_not_matter(sender):
    base = timezone.now() - timedelta(days=20)
    events = [
        event(at=base + timedelta(hours=n % 7, minutes=n), namespace=f"n{n % 3}", verdict="DROPPED", drop_reason=133)
        for n in range(60)
    ]
    batches = [(f"b{n}", body(*events[n::6])) for n in range(6)]
    for key, content in batches:
        ingest(source=sender, body=content, batch_key=key)
    expected = stored()

    other = source(fleet.cluster())[0]
    FlowRollup.objects.all().delete()
    shuffled = [(key, body(*random.sample(content.splitlines(), k=10))) for key, content in batches]
    for _round in range(3):
        random.shuffle(shuffled)
        for key, content in shuffled:
            ingest(source=other, body=content, batch_key=key)

    assert stored() == expected


def test_late_flows_land_in_their_own_hour(sender):
    late = timezone.now() - timedelta(days=30)

    ingest(source=sender, body=body(event(at=late), event()))

    hours = set(FlowRollup.objects.values_list("hour", flat=True))
    assert late.replace(minute=0, second=0, microsecond=0) in hours
    assert len(hours) == 2


@pytest.mark.parametrize(
    ("shift", "reason"),
    [(timedelta(minutes=10), "from the future"), (timedelta(days=-36), "older than 35 days")],
)
def test_times_that_cannot_be_are_refused(sender, shift, reason):
    batch = ingest(source=sender, body=body(event(at=timezone.now() + shift), event()))

    assert (batch.flows, batch.rejected) == (1, 1)
    assert batch.rejections == [{"line": 1, "reason": reason}]


def test_the_payload_does_not_say_which_cluster_it_is_from(sender):
    other = fleet.cluster("crown-jewels")

    ingest(source=sender, body=body(event(source={"namespace": "shop", "cluster_name": "crown-jewels"})))

    assert FlowRollup.objects.get().cluster == sender.cluster
    assert not FlowRollup.objects.filter(cluster=other).exists()


def test_a_bad_line_never_costs_the_others(sender):
    bad = [
        b"{",
        b"\xff\xfe\xfa\n",
        b'{"flow":{"source":{"namespace":"a\x00b"}}}',
        orjson.dumps(event(source={"namespace": "nul\u0000"})),
        b'{"flow":"' + b"x" * (1 << 20) + b'"}',
        b"[" * 60_000,
        b"null",
        b'{"flow":{"time":"2026-11-23T00:00:00Z","source":{"namespace":"\\ud800"}}}',
    ]
    content = body(event(), *(line.rstrip(b"\n") for line in bad), event())

    batch = ingest(source=sender, body=content)

    assert (batch.lines, batch.flows, batch.rejected) == (10, 2, 8)
    assert sum(batch.reasons["rejected"].values()) == 8
    assert {one["line"] for one in batch.rejections} == set(range(2, 10))
    assert FlowRollup.objects.get().flow_count == 2


def test_only_the_first_rejections_are_listed_and_all_are_counted(sender):
    batch = ingest(source=sender, body=b"{\n" * 500)

    assert batch.rejected == 500
    assert len(batch.rejections) == 20
    assert batch.reasons["rejected"] == {"not readable as JSON": 500}


def test_a_gzip_bomb_is_refused_before_it_grows(sender, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_PLAIN_BYTES", 1 << 20)
    bomb = gzip.compress(b"\n" * (50 << 20))

    with pytest.raises(BodyTooLarge):
        ingest(source=sender, body=bomb)

    with pytest.raises(BodyTooLarge):
        ingest(source=sender, body=gzip.compress(b" " * (600 << 10)) * 2)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: packed[:12] + b"\xff" * 20])
def test_a_damaged_gzip_body_is_refused(sender, damage):
    with pytest.raises(UnreadableBody):
        ingest(source=sender, body=damage(gzip.compress(body(event(), event()))))


def test_too_many_lines_are_refused_unread(sender, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_LINES", 10)

    with pytest.raises(TooManyLines):
        ingest(source=sender, body=b"{}\n" * 11)


def test_a_body_of_several_gzip_members_is_read_whole(sender):
    content = gzip.compress(body(event())) + gzip.compress(body(event()))

    assert ingest(source=sender, body=content).flows == 2


def test_one_connection_seen_at_several_points_counts_once(sender):
    seen = [event(source_port=41_000, trace_observation_point=point) for point in ("TO_STACK", "TO_NETWORK")]

    ingest(source=sender, body=body(*seen))

    assert FlowRollup.objects.get().flow_count == 1


def test_lost_events_are_a_gap_and_no_flow(sender):
    at = timezone.now() - timedelta(hours=1)

    ingest(source=sender, body=body(lost(at=at), lost(at=at), event()))

    gap = CoverageGap.objects.get()
    assert (gap.lost, gap.cluster, gap.node) == (34, sender.cluster, "node-1")


def test_an_empty_batch_with_an_id_says_that_the_log_is_alive(sender):
    ingest(source=sender, body=b"", batch_key="heartbeat-1")

    assert DeliveredHour.objects.filter(source=sender).count() == 1
    with pytest.raises(InvalidBatchId):
        ingest(source=sender, body=b"")


def test_an_allowed_flow_counts_as_use_of_its_entry(carried):
    sender, entry = carried

    ingest(source=sender, body=body(event(), event(), event(labels=("k8s:app=other",), workload="other")))

    usage = EntryUsage.objects.get(entry=entry)
    assert (usage.workload, usage.flow_count, usage.cluster) == ("checkout", 2, sender.cluster)
    assert dict(FlowRollup.objects.values_list("workload", "entry__passport")) == {
        "checkout": entry.passport,
        "other": None,
    }


def test_use_is_counted_once_however_often_the_batch_comes(carried):
    sender, entry = carried
    content = body(event(source_port=1), event(source_port=2))
    for _ in range(3):
        ingest(source=sender, body=content, batch_key="17")

    assert EntryUsage.objects.get(entry=entry).flow_count == 2


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED"},
        {"port": 8443},
        {"names": ("other.example.com",)},
        {"namespace": "another"},
        {"at": timezone.now() - timedelta(days=10)},
    ],
)
def test_what_the_entry_did_not_allow_is_not_its_use(carried, change):
    sender, _entry = carried

    ingest(source=sender, body=body(event(**change)))

    assert not EntryUsage.objects.exists()


def test_among_several_names_the_one_that_the_pod_asked_for_is_taken(carried):
    sender, _entry = carried
    at = timezone.now() - timedelta(minutes=3)
    names = ("api.example.com", "cdn.example.net")

    ingest(
        source=sender,
        body=body(
            event(at=at + timedelta(seconds=1), names=names),
            dns_answer(at=at, name=names[1], addresses=("203.0.113.10",)),
        ),
    )

    row = FlowRollup.objects.get()
    assert (row.destination_name, row.other_names, row.entry) == ("cdn.example.net", [], None)
    assert not EntryUsage.objects.exists()


def test_without_evidence_the_name_that_an_entry_allows_is_shown_and_the_others_are_kept(carried):
    sender, entry = carried

    ingest(source=sender, body=body(event(names=("aaa.example.net", "api.example.com", "zzz.example.net"))))
    ingest(source=sender, body=body(event(names=("api.example.com", "bbb.example.net"))))

    row = FlowRollup.objects.get()
    assert row.destination_name == "api.example.com"
    assert row.other_names == ["aaa.example.net", "bbb.example.net", "zzz.example.net"]
    assert row.entry == entry


def test_a_new_entry_counts_from_its_approval_without_a_restart(carried):
    sender, entry = carried
    ingest(source=sender, body=body(event(names=("new.example.org",))))
    early = timezone.now() - timedelta(hours=1)
    added = revision(entry.team, proposal("new.example.org", namespaces=("shop",)), at=early)

    ingest(source=sender, body=body(event(names=("new.example.org",))))

    assert EntryUsage.objects.get(entry=added.entry).flow_count == 1


def test_only_those_who_run_the_fleet_make_and_revoke_sources(sender):
    lead = factories.lead(sender.cluster.owner_team)

    with pytest.raises(SourceForbidden):
        create_source(actor=lead, cluster_id=sender.cluster_id, name="mine")
    with pytest.raises(SourceForbidden):
        revoke_source(actor=lead, source_id=sender.pk)


def test_a_sources_name_is_taken_once_per_cluster(sender):
    with pytest.raises(SourceNameTaken):
        create_source(actor=factories.platform_engineer(), cluster_id=sender.cluster_id, name=sender.name)


def test_a_batch_under_way_when_the_source_is_revoked_leaves_nothing(sender):
    revoke_source(actor=factories.platform_engineer(), source_id=sender.pk)

    with pytest.raises(SourceRevoked):
        ingest(source=sender, body=body(event()))

    assert not FlowRollup.objects.exists()
    assert not FlowBatch.objects.exists()


def test_the_token_is_nowhere_stored():
    _sender, secret = source()

    row = FlowSource.objects.get()
    assert secret not in (row.token_digest, row.token_prefix)
    assert secret not in str(list(LedgerEntry.objects.values_list("details", flat=True)))


def test_the_number_of_statements_does_not_grow_with_the_batch(sender, django_assert_num_queries):
    at = timezone.now() - timedelta(hours=3)
    ingest(source=sender, body=body(event()))

    def statements(count: int) -> int:
        content = body(*(event(at=at, names=(f"h{n}.example.com",), namespace=f"n{n}") for n in range(count)))
        with connection.execute_wrapper(Counting()) as _:
            ingest(source=sender, body=content)
        return Counting.seen

    class Counting:
        seen = 0

        def __call__(self, execute, sql, params, many, context):
            Counting.seen += 1
            return execute(sql, params, many, context)

    few = statements(2)
    Counting.seen = 0
    assert statements(200) == few


def test_fifty_thousand_lines_in_one_batch(sender, capsys):
    now = timezone.now()
    lines = [
        orjson.dumps(event(at=now - timedelta(seconds=n % 7000), namespace=f"n{n % 40}", workload=f"w{n % 25}"))
        for n in range(50_000)
    ]
    content = gzip.compress(b"\n".join(lines), compresslevel=1)
    started = time.monotonic()

    batch = ingest(source=sender, body=content)

    with capsys.disabled():
        took = time.monotonic() - started
        print(f"\n50,000 lines ({len(b''.join(lines)) >> 20} MiB) in {took:.1f} s: {50_000 / took:,.0f} lines/s")  # noqa: T201
    assert batch.flows == 50_000


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_from_two_connections_at_once_counts_once():
    sender = source()[0]
    content = body(*(event() for _ in range(20)))
    results: list[bool] = []
    barrier = threading.Barrier(4)

    def deliver() -> None:
        try:
            barrier.wait(10)
            results.append(receive(source=sender, body=content, batch_key="17")[1])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    close_old_connections()

    assert sorted(results) == [False, False, False, True]
    assert FlowRollup.objects.get().flow_count == 20
