"""Squid: the values of one ACL, read in their order as ``squid -k parse`` reads them."""

from typing import Any

import re2

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import asked_name, check_length, exact_or_suffix, shortened

FIELDS = ("dstdomain", "ssl::server_name", "dstdom_regex", "ssl::server_name_regex")
ALIASES = {"server_name": "ssl::server_name", "server_name_regex": "ssl::server_name_regex"}
LATEST = (5, 7)

_MAXIMUM_LENGTH = 8192
# A value that begins like this is an option, a file to include or a comment, and no longer a name.
_FIRST_CHARACTERS_WITH_MEANING = {
    "-": "Squid reads a value that begins with '-' as an option and stops",
    "+": "Squid reads a value that begins with '+' as an option and stops",
    '"': "Squid reads a value in quotes as the name of a file",
    "'": "Squid reads a value in quotes as the name of a file",
    "#": "Squid reads the rest of the line as a comment",
}
_UNCLOSED_BRACE = re2.compile(r"\{(?:[^0-9]|$|[0-9]+(?:[^0-9,}]|$)|[0-9]+,[0-9]*(?:[^0-9}]|$))")


def judge(question: Question) -> MatchResult:
    """Answer for the whole ACL: first whether Squid would start with these values, then whether one takes the name."""
    for pattern in question.patterns:
        check_value(pattern)
    if question.field.endswith("_regex"):
        return _judge_expressions(question)
    check_domains(question.patterns)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that a request can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            meaning = "the apex and any depth" if pattern.startswith(".") else "exact"
            return MatchResult("match", f"it fits {shortened(pattern)} ({meaning})")
    return MatchResult("no-match", _explain(question.patterns))


def check_value(pattern: str) -> None:
    """Refuse a value that would not reach the ACL as this one value."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    if not pattern:
        raise InvalidPattern("an empty value is no value")
    if meaning := _FIRST_CHARACTERS_WITH_MEANING.get(pattern[0]):
        raise InvalidPattern(meaning)
    if any(character.isspace() or not character.isprintable() for character in pattern):
        raise InvalidPattern("white space ends a value, and control characters have no place in one")


def check_domains(patterns: tuple[str, ...]) -> None:
    """Refuse an order of values on which Squid dies: ``x`` with ``.x``, or a wider value after one that it covers."""
    seen: set[str] = set()
    covered: dict[str, str] = {}
    for pattern in map(str.lower, patterns):
        if pattern not in seen:
            _check_beside(pattern, seen=seen, covered=covered)
        seen.add(pattern)
        for wider in _wider(pattern):
            covered.setdefault(wider, pattern)


def matches(pattern: str, name: str) -> bool:
    """Whether a checked value takes the name (lower case, no final dot); a star or a final dot in it is literal."""
    return exact_or_suffix(pattern.lower(), name, takes_apex=True)


def _check_beside(pattern: str, *, seen: set[str], covered: dict[str, str]) -> None:
    if "." + pattern in seen or (pattern.startswith(".") and pattern[1:] in seen):
        raise InvalidPattern(
            f"{shortened(pattern.removeprefix('.'))} with and without the leading dot is fatal to Squid"
        )
    if pattern in covered:
        narrower = shortened(covered[pattern])
        raise InvalidPattern(f"{narrower} before {shortened(pattern)}, which covers it, is fatal to Squid")


def _wider(pattern: str) -> list[str]:
    """Every value with a leading dot that would cover this one."""
    return [pattern[place:] for place, character in enumerate(pattern) if character == "." and place > 0]


def _explain(patterns: tuple[str, ...]) -> str:
    if not patterns:
        return "an ACL without values never matches"
    literal = next((pattern for pattern in patterns if "*" in pattern or pattern.endswith(".")), None)
    if literal is not None:
        return f"no value fits; {shortened(literal)} is compared literally and never matches a name"
    return "no value fits this name"


def _judge_expressions(question: Question) -> MatchResult:
    compiled = [_expression(pattern) for pattern in question.patterns]
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that a request can carry")
    for pattern, expression in zip(question.patterns, compiled, strict=True):
        if expression.search(name):
            return MatchResult("match", f"the expression {shortened(pattern)} is found in it")
    return MatchResult("no-match", "no expression is found in this name")


def _expression(pattern: str) -> Any:
    options = re2.Options()
    options.posix_syntax = True
    options.log_errors = False
    if _UNCLOSED_BRACE.search(pattern):
        raise InvalidPattern(f"{shortened(pattern)} has a brace that opens no repetition")
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise InvalidPattern(
            f"{shortened(pattern)} is no POSIX expression that can be judged in linear time"
        ) from error
