"""AWS Network Firewall domain lists: what is compared with TLS SNI and the HTTP Host header."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import (
    NAME_CHARACTERS,
    asked_name,
    check_characters,
    check_length,
    exact_or_suffix,
    shortened,
)

FIELDS = ("Targets", "TLS_SNI", "HTTP_HOST")
ALIASES = {"targets": "Targets"}
LATEST = (1, 0)

_MAXIMUM_LENGTH = 255


def judge(question: Question) -> MatchResult:
    """Answer as documented: a plain name is exact; a leading dot takes the apex and every name below it."""
    for pattern in question.patterns:
        check_pattern(pattern)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that TLS or HTTP can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            meaning = "the apex and any depth" if pattern.startswith(".") else "exact"
            return MatchResult("match", f"it fits {shortened(pattern)} ({meaning})")
    return MatchResult("no-match", "no target fits this name")


def check_pattern(pattern: str) -> None:
    """Refuse everything but a name and a name with one leading dot; a star is not among the valid forms."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    if "*" in pattern:
        raise InvalidPattern("a star is not a wildcard here: a leading dot is")
    bare = pattern.removeprefix(".")
    check_characters(bare, allowed=NAME_CHARACTERS | frozenset("."))
    if not all(bare.split(".")):
        raise InvalidPattern(f"{shortened(pattern)} has an empty label")


def matches(pattern: str, name: str) -> bool:
    """Whether a checked target takes the name (lower case, no final dot)."""
    return exact_or_suffix(pattern.lower(), name, takes_apex=True)
