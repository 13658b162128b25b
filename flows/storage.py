"""Adding a batch to what is stored: one statement for each table, whatever the batch holds.

Rows are written in the order of their keys, so that two batches that touch the same rows wait for each other instead
of deadlocking.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection

from flows.models import CoverageGap, FlowSource
from flows.rollup import MAX_OTHER_NAMES, RollUp, RollupKey, RollupSum, Sum, UsageKey

_LAYER = "hubble"
_SEPARATOR = ","

_ADD_ROLLUPS = """
INSERT INTO flows_flowrollup AS kept (
    hour, cluster_id, namespace, workload, layer, destination_name, destination_address, port, protocol, verdict,
    other_names, entry_id, flow_count, first_seen_at, last_seen_at
)
SELECT
    hour, %s, namespace, workload, %s, name, address, port, protocol, verdict,
    string_to_array(names, %s)::varchar[], entry_id, flow_count, first_seen_at, last_seen_at
FROM unnest(
    %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::inet[], %s::int[], %s::text[], %s::text[], %s::text[],
    %s::uuid[], %s::bigint[], %s::timestamptz[], %s::timestamptz[]
) AS added (
    hour, namespace, workload, name, address, port, protocol, verdict, names, entry_id, flow_count, first_seen_at,
    last_seen_at
)
ON CONFLICT ON CONSTRAINT rollup_once_per_hour DO UPDATE SET
    flow_count = kept.flow_count + EXCLUDED.flow_count,
    first_seen_at = LEAST(kept.first_seen_at, EXCLUDED.first_seen_at),
    last_seen_at = GREATEST(kept.last_seen_at, EXCLUDED.last_seen_at),
    entry_id = COALESCE(kept.entry_id, EXCLUDED.entry_id),
    other_names = CASE
        WHEN EXCLUDED.other_names <@ kept.other_names THEN kept.other_names
        ELSE (
            SELECT array_agg(name) FROM (
                SELECT DISTINCT unnest(kept.other_names || EXCLUDED.other_names) AS name ORDER BY name LIMIT %s
            ) AS names
        )
    END
"""

_ADD_USAGE = """
INSERT INTO flows_entryusage AS kept (
    entry_id, day, cluster_id, namespace, workload, flow_count, first_seen_at, last_seen_at
)
SELECT entry_id, day, %s, namespace, workload, flow_count, first_seen_at, last_seen_at
FROM unnest(
    %s::uuid[], %s::date[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[]
) AS added (entry_id, day, namespace, workload, flow_count, first_seen_at, last_seen_at)
ON CONFLICT ON CONSTRAINT entry_usage_once_per_day DO UPDATE SET
    flow_count = kept.flow_count + EXCLUDED.flow_count,
    first_seen_at = LEAST(kept.first_seen_at, EXCLUDED.first_seen_at),
    last_seen_at = GREATEST(kept.last_seen_at, EXCLUDED.last_seen_at)
"""

_ADD_HOURS = """
INSERT INTO flows_deliveredhour AS kept (source_id, hour, records)
SELECT %s, hour, records FROM unnest(%s::timestamptz[], %s::bigint[]) AS added (hour, records)
ON CONFLICT ON CONSTRAINT delivered_hour_once DO UPDATE SET records = kept.records + EXCLUDED.records
"""


def store(*, source: FlowSource, summed: RollUp) -> None:
    """Add everything inside the caller's transaction."""
    _add_rollups(source.cluster_id, summed.rows)
    _add_usage(source.cluster_id, summed.usage)
    _add_hours(source.pk, sorted(summed.delivered.items()))
    CoverageGap.objects.bulk_create(
        CoverageGap(
            cluster_id=source.cluster_id,
            source=source,
            node=gap.node,
            started_at=gap.started_at,
            ended_at=gap.ended_at,
            lost=gap.lost,
            reason=gap.reason,
        )
        for gap in summed.gaps
    )


def _add_rollups(cluster_id: uuid.UUID, rows: dict[RollupKey, RollupSum]) -> None:
    if not rows:
        return
    ordered = sorted(rows.items(), key=lambda row: tuple(str(part) for part in row[0]))
    keys = _columns((key for key, _row in ordered), len(RollupKey._fields))
    sums = _columns((_rollup_values(row) for _key, row in ordered), 5)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_ROLLUPS, [cluster_id, _LAYER, _SEPARATOR, *keys, *sums, MAX_OTHER_NAMES])


def _rollup_values(row: RollupSum) -> tuple[str, uuid.UUID | None, int, datetime, datetime]:
    names = _SEPARATOR.join(sorted(row.other_names)[:MAX_OTHER_NAMES])
    return names, row.entry_id, row.count, row.first, row.last


def _add_usage(cluster_id: uuid.UUID, usage: dict[UsageKey, Sum]) -> None:
    if not usage:
        return
    ordered = sorted(usage.items(), key=lambda row: tuple(str(part) for part in row[0]))
    keys = _columns((key for key, _sum in ordered), len(UsageKey._fields))
    sums = _columns(((one.count, one.first, one.last) for _key, one in ordered), 3)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_USAGE, [cluster_id, *keys, *sums])


def _add_hours(source_id: uuid.UUID, hours: Sequence[tuple[datetime, int]]) -> None:
    if not hours:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ADD_HOURS, [source_id, *_columns(hours, 2)])


def _columns(rows: Iterable[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows as one list for each column, which is what ``unnest`` takes."""
    columns: list[list[object]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns
