"""``sallyport match``: what a name pattern means to one target."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from policy.cli.command import Command
from policy.cli.lines import Answer, BadInput, LineCommand, configure_lines, run_lines, text_field
from policy.dialects import DIALECTS, match


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--dialect", required=True, choices=sorted(DIALECTS), help="whose semantics to apply")
    parser.add_argument("--version", help="version of the target as major.minor; the newest known when absent")
    configure_lines(parser)


def _run(options: Namespace) -> int:
    def answer(question: Mapping[str, Any]) -> Answer:
        result = match(
            dialect=options.dialect,
            patterns=_patterns(question),
            name=text_field(question, "name"),
            field=_optional_text(question, "field"),
            version=_optional_text(question, "version") or options.version,
        )
        return {"result": result.result, "reason": result.reason}

    return run_lines(options, LineCommand(answer=answer, is_refused=_is_refused, columns=("result", "reason")))


def _is_refused(answer: Answer) -> bool:
    return answer.get("result") == "invalid"


def _patterns(question: Mapping[str, Any]) -> list[str]:
    if ("pattern" in question) == ("patterns" in question):
        raise BadInput('give either "pattern" or "patterns"')
    if "pattern" in question:
        return [text_field(question, "pattern")]
    patterns = question["patterns"]
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise BadInput('"patterns" must be a list of texts')
    return patterns


def _optional_text(question: Mapping[str, Any], name: str) -> str | None:
    return text_field(question, name) if question.get(name) is not None else None


COMMAND = Command(
    name="match",
    summary="say whether a target takes a name under a pattern, with that target's own semantics",
    configure=_configure,
    run=_run,
)
