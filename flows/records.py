"""What every decoder turns its lines into, whatever the log they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LabelPairs = tuple[tuple[str, str], ...]
VerdictName = Literal["allow", "deny_policy", "drop_other", "would_deny", "auth_challenge", "unknown"]


class BadLine(Exception):
    """A line that cannot be read; ``reason`` is short, stable and quotes nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ObservedFlow:
    """One observation of somebody trying to leave. ``names`` are all names known for the address, sorted.

    ``source`` tells connections apart: address and port of the sender, where the log has them.
    """

    at: datetime
    namespace: str
    workload: str
    pod: str
    labels: LabelPairs
    names: tuple[str, ...]
    address: str | None
    port: int | None
    protocol: str
    verdict: VerdictName
    source: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """A name that one pod asked for, and the addresses that it was told."""

    at: datetime
    namespace: str
    pod: str
    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LostRecords:
    """The log says itself that it is incomplete between two instants."""

    started_at: datetime
    ended_at: datetime
    node: str
    lost: int
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A readable line that tells of no egress, and why not. ``at`` still shows that the log was alive then."""

    reason: str
    at: datetime | None = None


Record = ObservedFlow | DnsAnswer | LostRecords | Skipped
