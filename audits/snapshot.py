"""What is known of the use of entries at the moment a campaign opens."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allowlist.models import Entry
from flows.usage import Usage, usage_of


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A verdict with what it rests on."""

    verdict: str
    last_seen_at: datetime | None
    reason: str


def usage_lines(entries: Sequence[Entry], *, at: datetime) -> dict[uuid.UUID, UsageLine]:
    """The verdict on each entry by its key; a constant number of queries."""
    found = usage_of(entries, at=at)
    return {entry.pk: _line(found[entry.pk]) for entry in entries}


def _line(usage: Usage) -> UsageLine:
    days = (usage.until - usage.since).days
    if usage.verdict == "used":
        reason = f"{usage.flow_count} flows from {usage.caller_count} workloads in {days} days."
    elif usage.verdict == "unused":
        reason = f"No flow in {days} days, and the logs covered all of them."
    elif not usage.coverage.hours:
        reason = "No flow seen, and no complete hour of log yet to judge by."
    else:
        reason = f"No flow seen, but the logs covered {usage.coverage.percent} % of {days} days only."
    return UsageLine(usage.verdict, usage.last_seen_at, reason)
