"""Entries as a table for other programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from allowlist.models import Entry

COLUMNS = (
    "passport",
    "state",
    "team",
    "destination",
    "ports",
    "environments",
    "cluster_labels",
    "namespaces",
    "workload",
    "justification",
    "ticket",
    "data_class",
    "expires_at",
    "revision",
)
# What a spreadsheet would run as a formula when a cell begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """A file that gives back what is written to it, so that rows are sent as they are made."""

    def write(self, text: str) -> str:
        return text


def csv_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """The header and one line per entry; no cell is ever run as a formula."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for entry in entries:
        yield writer.writerow([neutral(cell) for cell in _cells(entry)])


def neutral(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(entry: Entry) -> list[str]:
    newest = entry.latest
    values: dict[str, Any] = {
        "passport": entry.passport,
        "state": entry.state,
        "team": entry.team.slug,
        "environments": " ".join(newest.environments),
        "cluster_labels": _labels(newest.cluster_labels),
        "namespaces": " ".join(newest.namespaces),
        "workload": _labels(newest.workload),
        "expires_at": newest.expires_at.isoformat(),
        "revision": newest.number,
    }
    return [str(values.get(name, getattr(newest, name, ""))) for name in COLUMNS]


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
