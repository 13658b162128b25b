"""``sallyport name``: the one canonical form of a domain name, or why there is none."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from policy.cli.command import Command
from policy.cli.lines import Answer, LineCommand, configure_lines, run_lines, text_field
from policy.names import canonical_name


def _answer(question: Mapping[str, Any]) -> Answer:
    text = text_field(question, "input")
    name = canonical_name(text)
    answer: Answer = {"ascii": name.ascii, "unicode": name.unicode, "mapped": text not in (name.ascii, name.unicode)}
    if name.warnings:
        answer["warnings"] = [{"kind": warning.kind, "message": warning.message} for warning in name.warnings]
    return answer


def _run(options: Namespace) -> int:
    command = LineCommand(answer=_answer, is_refused=lambda answer: False, columns=("ascii", "unicode", "warnings"))
    return run_lines(options, command)


COMMAND = Command(
    name="name",
    summary="bring domain names into canonical form, or refuse them with a code",
    configure=configure_lines,
    run=_run,
)
