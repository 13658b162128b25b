"""``sallyport diff``: what one set of policies allows and another does not, with example flows."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping
from functools import partial
from typing import Any

from policy.cli.command import Command
from policy.cli.lines import Answer, LineCommand, configure_lines, run_lines
from policy.diff import Difference, diff
from policy.simulation import ClusterState, InvalidPolicies, InvalidQuestion

_EPILOG = """\
Each line of input is one comparison:

  {"cluster": {...}, "before": [manifests], "after": [manifests], "profile": "api"}

with the cluster as `sallyport simulate` takes it. The answer is {"allowed", "denied", "changed", "complete"}: lists of
{"source", "targets", "ports", "before", "after", "example"}. Addresses, ports and pods are compared exactly, names by a
sample of each pattern; "complete" is false where there was more to compare than fits.
"""
_COLUMNS = ("allowed", "denied", "changed", "complete", "errors")


def _configure(parser: ArgumentParser) -> None:
    configure_lines(parser)
    parser.epilog = _EPILOG
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.add_argument("--profile", default="api", help="the profile of cases that name none (api, cilium, calico, …)")


def _run(options: Namespace) -> int:
    answer = partial(_answer, default_profile=options.profile)
    return run_lines(options, LineCommand(answer, is_refused=_is_refused, columns=_COLUMNS))


def _is_refused(answer: Answer) -> bool:
    return "errors" in answer


def _answer(question: Mapping[str, Any], *, default_profile: str) -> Answer:
    try:
        found = diff(
            cluster=ClusterState.from_document(question.get("cluster")),
            before=_policies(question, "before"),
            after=_policies(question, "after"),
            profile=question.get("profile") or default_profile,
        )
    except (InvalidPolicies, InvalidQuestion) as error:
        return {"verdict": "invalid", "errors": list(error.errors)}
    changed = [one for one in found.differences if one.change == "changed"]
    return {
        "allowed": [_document(one) for one in found.newly_allowed],
        "denied": [_document(one) for one in found.newly_denied],
        "changed": [_document(one) for one in changed],
        "complete": found.is_complete,
    }


def _document(difference: Difference) -> Answer:
    return {key: value for key, value in difference.as_document().items() if key != "change"}


def _policies(question: Mapping[str, Any], name: str) -> list[Any]:
    value = question.get(name)
    if not isinstance(value, list):
        raise InvalidQuestion(subject=name, field="", message="must be a list of manifests")
    return value


COMMAND = Command(
    name="diff",
    summary="what does one set of policies allow that another does not, with examples?",
    configure=_configure,
    run=_run,
)
