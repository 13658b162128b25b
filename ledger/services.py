"""The one way into the ledger."""

from __future__ import annotations

import hashlib
import math
import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from ledger.models import LedgerEntry, Origin
from ledger.origin import current_origin

if TYPE_CHECKING:
    from django.db import models

    from accounts.models import User

# Any constant will do; it names the lock under which the chain grows, one entry at a time.
CHAIN_LOCK = 0x5A11
BEFORE_THE_FIRST = "0" * 64
# Up to here a number reads the same as integer, as float and in JSON.
LARGEST_EXACT = 2**53 - 1


def record(
    action: str, *, actor: User | None, subject: models.Model, team_id: uuid.UUID | None = None, **details: Any
) -> LedgerEntry:
    """Append one entry inside the caller's transaction; it commits or rolls back with the write that it tells of.

    ``details`` must be plain values. Give only named fields, never a whole row: what is written here stays.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A ledger entry belongs into the transaction of its write.")
    previous = _lock_and_read_head()
    entry = LedgerEntry(
        sequence=(previous.sequence if previous else 0) + 1,
        recorded_at=timezone.now(),
        action=action,
        actor=actor,
        actor_name=_storable(str(actor))[:200] if actor else "system",
        origin=current_origin(),
        subject_kind=subject._meta.label_lower,
        subject_id=str(subject.pk),
        subject_name=_storable(str(subject))[:300],
        team_id=team_id or getattr(subject, "team_id", None),
        details=_plain(details),
        previous_hash=previous.hash if previous else BEFORE_THE_FIRST,
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    return entry


def entry_hash(entry: LedgerEntry) -> str:
    """SHA-256 over the canonical JSON of every column but the hash itself."""
    content = {
        "sequence": entry.sequence,
        "recorded_at": entry.recorded_at.isoformat(),
        "action": entry.action,
        "actor": str(entry.actor_id or ""),
        "actor_name": entry.actor_name,
        "origin": str(entry.origin),
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "subject_name": entry.subject_name,
        "team": str(entry.team_id or ""),
        "details": entry.details,
        "previous_hash": entry.previous_hash,
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _lock_and_read_head() -> LedgerEntry | None:
    """Wait for the transaction that holds the chain, then read its last link."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    return LedgerEntry.objects.order_by("-sequence").only("sequence", "hash").first()


def _plain(value: Any) -> Any:
    """The value exactly as the database will give it back, so that the hash can be computed again from the row.

    A JSON column keeps numbers by value, not by spelling, and holds no NUL: what would come back otherwise is kept as
    text.
    """
    if isinstance(value, dict):
        return {_storable(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return [_plain(inner) for inner in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= LARGEST_EXACT else str(value)
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) and abs(value) <= LARGEST_EXACT else str(value)
    return _storable(str(value))


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


__all__ = ["Origin", "entry_hash", "record"]
