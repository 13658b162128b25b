"""Answers as a table for people, safe to print whatever the input held."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_DEFAULT_WIDTH = 28
_WIDEST_COLUMN = 60
_GAP = "  "


class Table:
    """Rows under one heading, one at a time; hostile input cannot drive the terminal, for every cell is printable."""

    def __init__(self, *, columns: Sequence[str], widths: Mapping[str, int] | None = None) -> None:
        self._columns = tuple(columns)
        self._widths = dict(widths or {})
        self._has_heading = False

    def row(self, answer: Mapping[str, Any]) -> str:
        """One answer as a line of text, with the heading before the first."""
        line = self._line([_cell(answer.get(column)) for column in self._columns])
        if self._has_heading:
            return line
        self._has_heading = True
        return self._line([column.upper() for column in self._columns]) + line

    def _line(self, cells: Sequence[str]) -> str:
        widths = (self._widths.get(column, _DEFAULT_WIDTH) for column in self._columns)
        return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n"


def fitted(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str]) -> str:
    """All rows as one table whose columns are as wide as what they hold, within reason; nothing for no rows."""
    known = list(rows)
    widths = {
        column: min(max(len(column), *(len(_cell(row.get(column))) for row in known)), _WIDEST_COLUMN)
        for column in (columns if known else ())
    }
    table = Table(columns=columns, widths=widths)
    return "".join(map(table.row, known))


def printable(text: str) -> str:
    """The text with everything that a terminal might act on, or could not show, written as an escape."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return printable("; ".join(value))
    return printable(json.dumps(value))
