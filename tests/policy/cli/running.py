"""Calling the command in this process, as a pipeline would."""

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from policy.cli import main


@dataclass(frozen=True)
class Ended:
    """How a call ended: its status, its lines as they were printed, and what it said to the caller."""

    status: int
    output: str
    errors: str

    @property
    def answers(self) -> list[Any]:
        return [json.loads(line) for line in self.output.splitlines()]


class Sallyport:
    """The command, with standard input from bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, given: bytes | str = b"") -> Ended:
        content = given.encode() if isinstance(given, str) else given
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        status = main(arguments)
        printed = self._capsys.readouterr()
        return Ended(status, printed.out, printed.err)

    def ask(self, *arguments: str, questions: list[Any]) -> Ended:
        """The command, with one question a line."""
        return self(*arguments, given="".join(json.dumps(question) + "\n" for question in questions))
