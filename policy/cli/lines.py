"""Question and answer, one JSON object a line: each answer is flushed before the next question is read."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from policy.cli.command import ACCEPTED, REFUSED, UsageError, add_format, add_source
from policy.cli.table import Table
from policy.errors import DomainError

# A line of `simulate` holds a whole cluster; a line without an end must still not fill the memory.
MAXIMUM_LINE_BYTES = 64 * 1024 * 1024

Answer = dict[str, Any]


class BadInput(DomainError):
    """A question that is valid JSON but not one that the subcommand understands."""

    code = "bad_input"


class BadJson(DomainError):
    """A line that is not one JSON value in UTF-8, or one that two readers could read differently."""

    code = "bad_json"


@dataclass(frozen=True)
class LineCommand:
    """How a subcommand answers lines: ``answer`` one question, ``is_refused`` says which answers make the call fail."""

    answer: Callable[[Mapping[str, Any]], Answer]
    is_refused: Callable[[Answer], bool]
    columns: tuple[str, ...]


def configure_lines(parser: ArgumentParser) -> None:
    """Declare the arguments that every JSON-lines subcommand has."""
    add_source(parser)
    add_format(parser)


def run_lines(options: Namespace, command: LineCommand) -> int:
    """Answer every non-blank line and return the exit status: 1 when any line was refused or could not be read."""
    table = Table(columns=(*command.columns, "error")) if wants_table(options) else None
    status = ACCEPTED
    with open_source(options.file) as source:
        for number, line in _lines(source):
            answered = _answer_line(line, number=number, command=command)
            if "error" in answered or command.is_refused(answered):
                status = REFUSED
            if table:
                sys.stdout.write(table.row(answered))
                sys.stdout.flush()
            else:
                print_json(answered)
    return status


def print_json(answer: Mapping[str, Any]) -> None:
    """One answer as one line, in ASCII, so that no locale and no terminal changes it; flushed at once."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def wants_table(options: Namespace) -> bool:
    """Whether a person is reading: asked for by ``--format``, else seen from standard output being a terminal."""
    return options.format == "table" or (options.format == "auto" and sys.stdout.isatty())


@contextmanager
def open_source(path: str) -> Iterator[BinaryIO]:
    """The bytes of the file, or of standard input for ``-``."""
    if path == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(Path(path).open("rb"))
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read {path!r}: {getattr(error, 'strerror', None) or error}") from error
        yield opened


def decode_object(line: bytes) -> Mapping[str, Any]:
    """The JSON object of one line; refuses duplicate keys, non-finite numbers and anything but an object."""
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise BadJson("the line is nested too deeply") from error
    except ValueError as error:  # also UnicodeDecodeError, JSONDecodeError and integers of absurd length
        raise BadJson(f"the line is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput("a line must be a JSON object")
    return value


def text_field(question: Mapping[str, Any], name: str) -> str:
    """The text under ``name``, or a refusal that names what is missing."""
    value = question.get(name)
    if not isinstance(value, str):
        raise BadInput(f'"{name}" must be given as text')
    return value


def refusal(error: DomainError) -> Answer:
    """A refusal as every subcommand prints it."""
    answer: Answer = {"error": error.code, "message": error.message}
    return answer | {key: value for key, value in error.details.items() if key not in answer}


def _answer_line(line: bytes, *, number: int, command: LineCommand) -> Answer:
    try:
        if len(line) > MAXIMUM_LINE_BYTES:
            raise BadJson(f"the line is longer than {MAXIMUM_LINE_BYTES} bytes")
        return command.answer(decode_object(line))
    except DomainError as error:
        return refusal(error) | {"line": number}
    except Exception as error:  # noqa: BLE001  one hostile line must not take the answers of the others with it
        return {
            "error": "internal",
            "message": f"this line could not be judged: {type(error).__name__}",
            "line": number,
        }


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := source.readline(MAXIMUM_LINE_BYTES + 1):
        number += 1
        if len(line) > MAXIMUM_LINE_BYTES:
            _skip_rest(source)
        if line.strip():
            yield number, line


def _skip_rest(source: BinaryIO) -> None:
    while (rest := source.readline(MAXIMUM_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")
