"""An entry as a person reads it: what changed, from what to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from ledger.models import LedgerEntry


@dataclass(frozen=True, slots=True)
class Change:
    """One field and its two sides; a side that did not exist is empty."""

    field: str
    before: str
    after: str


def changes_of(entry: LedgerEntry) -> list[Change]:
    """The fields that the entry names under ``before`` and ``after`` and that differ."""
    before, after = _as_fields(entry.details.get("before")), _as_fields(entry.details.get("after"))
    return [
        Change(field or "", in_words(before.get(field)), in_words(after.get(field)))
        for field in dict.fromkeys((*before, *after))
        if before.get(field) != after.get(field)
    ]


def facts_of(entry: LedgerEntry) -> list[tuple[str, str]]:
    """Everything else that the entry tells, by name."""
    return [(name, in_words(value)) for name, value in entry.details.items() if name not in ("before", "after")]


def in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(inner, str | int) for inner in value):
        return ", ".join(map(str, value))
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _as_fields(side: Any) -> dict[str, Any]:
    """A side may name several fields, or be the value of the one field that the action is about."""
    if isinstance(side, dict):
        return side
    return {} if side in (None, "") else {"": side}
