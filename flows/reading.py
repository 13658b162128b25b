"""Reading a batch line by line. A bad line is counted and never costs the others anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flows.bodies import MAX_LINE_BYTES
from flows.decoders import hubble
from flows.records import BadLine, DnsAnswer, LostRecords, ObservedFlow, Record, Skipped

Decoder = Callable[[bytes], Record]
DECODERS: dict[str, Decoder] = {"hubble": hubble.decode_line}

#: Clocks differ; a record from further ahead says that one of them is wrong, or that somebody invents records.
AHEAD = timedelta(minutes=5)
BEHIND = timedelta(days=35)
_SHOWN_REJECTIONS = 20


@dataclass(slots=True)
class Reading:
    """What a batch holds, in the order of its lines."""

    lines: int = 0
    flows: list[ObservedFlow] = field(default_factory=list)
    answers: list[DnsAnswer] = field(default_factory=list)
    losses: list[LostRecords] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejections: list[dict[str, object]] = field(default_factory=list)
    alive: Counter[datetime] = field(default_factory=Counter)
    oldest: datetime | None = None
    newest: datetime | None = None

    def reject(self, line: int, reason: str) -> None:
        self.rejected[reason] += 1
        if len(self.rejections) < _SHOWN_REJECTIONS:
            self.rejections.append({"line": line, "reason": reason})

    def saw(self, at: datetime) -> None:
        """Any readable record shows that the log was being written in its hour."""
        self.alive[hour_of(at)] += 1
        self.oldest = at if self.oldest is None or at < self.oldest else self.oldest
        self.newest = at if self.newest is None or at > self.newest else self.newest


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def read_lines(lines: Iterable[bytes], *, decode: Decoder, now: datetime) -> Reading:
    """Decode every line; what is from the future or from too long ago is refused like what cannot be read."""
    reading = Reading()
    for number, line in enumerate(lines, start=1):
        reading.lines = number
        if not line or line.isspace():
            reading.skipped["empty line"] += 1
            continue
        try:
            if len(line) > MAX_LINE_BYTES:
                raise BadLine(f"longer than {MAX_LINE_BYTES >> 10} KiB")
            record = decode(line)
            _check_time(record, now)
        except BadLine as error:
            reading.reject(number, error.reason)
        else:
            _keep(reading, record)
    return reading


def _check_time(record: Record, now: datetime) -> None:
    at = record.ended_at if isinstance(record, LostRecords) else record.at
    began = record.started_at if isinstance(record, LostRecords) else record.at
    if at is not None and at > now + AHEAD:
        raise BadLine("from the future")
    if began is not None and began < now - BEHIND:
        raise BadLine(f"older than {BEHIND.days} days")


def _keep(reading: Reading, record: Record) -> None:
    if isinstance(record, ObservedFlow):
        reading.flows.append(record)
        reading.saw(record.at)
    elif isinstance(record, DnsAnswer):
        reading.answers.append(record)
        reading.skipped["name lookup"] += 1
        reading.saw(record.at)
    elif isinstance(record, LostRecords):
        reading.losses.append(record)
        reading.skipped["records lost"] += 1
    elif isinstance(record, Skipped):
        reading.skipped[record.reason] += 1
        if record.at is not None:
            reading.saw(record.at)
