"""``sallyport wildcard``: whose names a wildcard covers, by the public suffix list."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from policy.cli.command import Command
from policy.cli.lines import Answer, LineCommand, configure_lines, run_lines, text_field
from policy.names import canonical_name
from policy.suffixes import judge_wildcard


def _answer(question: Mapping[str, Any]) -> Answer:
    pattern = text_field(question, "pattern")
    if "*" not in pattern and not pattern.startswith("."):
        return {"result": "ok", "reasons": [f"{canonical_name(pattern).ascii} is one name, not a wildcard"]}
    # Squid and AWS Network Firewall write their wildcard as a leading dot.
    judgement = judge_wildcard("*" + pattern if pattern.startswith(".") else pattern)
    return {"result": judgement.result, "reasons": list(judgement.reasons)}


def _run(options: Namespace) -> int:
    command = LineCommand(
        answer=_answer, is_refused=lambda answer: answer.get("result") == "refuse", columns=("result", "reasons")
    )
    return run_lines(options, command)


COMMAND = Command(
    name="wildcard",
    summary="judge wildcards by who owns the names that they cover",
    configure=configure_lines,
    run=_run,
)
