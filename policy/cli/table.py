"""Answers as a table that grows line by line, safe to print whatever the input held."""

import json
from collections.abc import Mapping
from typing import Any

_WIDTHS = {"result": 10, "verdict": 14}
_DEFAULT_WIDTH = 28


class Table:
    """Rows under one heading; every cell is printable text, so hostile input cannot drive the terminal."""

    def __init__(self, *, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._has_heading = False

    def row(self, answer: Mapping[str, Any]) -> str:
        """One answer as a line of text, with the heading before the first."""
        line = self._line([_cell(answer.get(column)) for column in self._columns])
        if self._has_heading:
            return line
        self._has_heading = True
        return self._line([column.upper() for column in self._columns]) + line

    def _line(self, cells: list[str]) -> str:
        padded = [
            cell.ljust(_WIDTHS.get(column, _DEFAULT_WIDTH)) for column, cell in zip(self._columns, cells, strict=True)
        ]
        return "  ".join(padded).rstrip() + "\n"


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
