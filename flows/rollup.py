"""Flows summed up by hour, and the use of entries by day. Pure, so that it can be tried on any log."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from flows.joining import EntryJoin
from flows.names import NameMemory
from flows.reading import Reading, hour_of
from flows.records import LostRecords, ObservedFlow
from policy.replay import GroupedFlow

MAX_OTHER_NAMES = 8


class RollupKey(NamedTuple):
    """What flows of one hour have in common. Where a name is known, the address is left out: names stay, addresses
    rotate, and a row for each would make every rotation look like a new destination."""

    hour: datetime
    namespace: str
    workload: str
    name: str
    address: str | None
    port: int | None
    protocol: str
    verdict: str


class UsageKey(NamedTuple):
    entry_id: uuid.UUID
    day: date
    namespace: str
    workload: str


@dataclass(slots=True)
class Sum:
    """How often, and between when."""

    first: datetime
    last: datetime
    count: int = 0

    def add(self, at: datetime, *, count: int) -> None:
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.count += count


@dataclass(slots=True)
class RollupSum(Sum):
    entry_id: uuid.UUID | None = None
    other_names: set[str] = field(default_factory=set)


@dataclass(slots=True)
class RollUp:
    """Everything that one batch adds to what is stored."""

    rows: dict[RollupKey, RollupSum] = field(default_factory=dict)
    usage: dict[UsageKey, Sum] = field(default_factory=dict)
    delivered: Counter[datetime] = field(default_factory=Counter)
    gaps: list[LostRecords] = field(default_factory=list)


def roll_up(reading: Reading, *, entries: EntryJoin) -> RollUp:
    """Sum up a batch. One connection seen at several points of its way counts once."""
    result = RollUp(delivered=reading.alive, gaps=_merged(reading.losses))
    memory = NameMemory(reading.answers)
    candidates = [memory.candidates(flow) or ("",) for flow in reading.flows]
    questions = (
        (_grouped(flow, name), flow.at) for flow, names in zip(reading.flows, candidates, strict=True) for name in names
    )
    answers = entries.join(questions)
    counted: set[tuple[object, ...]] = set()
    for flow, names in zip(reading.flows, candidates, strict=True):
        allowed_by = {name: next(answers) for name in names}
        _add(result, flow, allowed_by, entries, count=_connections(flow, counted))
    return result


def _grouped(flow: ObservedFlow, name: str) -> GroupedFlow:
    return GroupedFlow(flow.namespace, flow.labels, name or None, flow.address, flow.port, flow.protocol)


def _connections(flow: ObservedFlow, counted: set[tuple[object, ...]]) -> int:
    """1 for a connection not met before in this batch and hour, else 0; without a source port every record counts."""
    if flow.source is None:
        return 1
    connection = (hour_of(flow.at), flow.source, flow.address, flow.port, flow.protocol, flow.verdict)
    if connection in counted:
        return 0
    counted.add(connection)
    return 1


def _add(
    result: RollUp, flow: ObservedFlow, allowed_by: dict[str, tuple[str, ...]], entries: EntryJoin, *, count: int
) -> None:
    name = next((one for one, passports in allowed_by.items() if passports), next(iter(allowed_by)))
    key = RollupKey(
        hour_of(flow.at),
        flow.namespace,
        flow.workload,
        name,
        None if name else flow.address,
        flow.port,
        flow.protocol,
        flow.verdict,
    )
    row = result.rows.get(key)
    if row is None:
        row = result.rows[key] = RollupSum(flow.at, flow.at)
    row.add(flow.at, count=count)
    if len(allowed_by) > 1:
        row.other_names.update(one for one in allowed_by if one != name)
    if flow.verdict == "allow":
        _add_usage(result, row, flow, sorted({one for found in allowed_by.values() for one in found}), entries, count)


def _add_usage(
    result: RollUp, row: RollupSum, flow: ObservedFlow, passports: list[str], entries: EntryJoin, count: int
) -> None:
    for passport in passports:
        entry_id = entries.validity[passport].entry_id
        row.entry_id = row.entry_id or entry_id
        key = UsageKey(entry_id, flow.at.date(), flow.namespace, flow.workload)
        used = result.usage.get(key)
        if used is None:
            used = result.usage[key] = Sum(flow.at, flow.at)
        used.add(flow.at, count=count)


def _merged(losses: list[LostRecords]) -> list[LostRecords]:
    """One gap for each node, hour and reason: a log that loses much says so often."""
    merged: dict[tuple[str, datetime, str], LostRecords] = {}
    for loss in losses:
        key = (loss.node, hour_of(loss.started_at), loss.reason)
        known = merged.get(key)
        if known is not None:
            loss = LostRecords(
                min(known.started_at, loss.started_at),
                max(known.ended_at, loss.ended_at),
                loss.node,
                known.lost + loss.lost,
                loss.reason,
            )
        merged[key] = loss
    return list(merged.values())
