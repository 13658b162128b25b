"""GKE FQDNNetworkPolicy: ``name`` and ``pattern``; a star never leaves its label."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import (
    LETTERS_AND_DIGITS,
    NAME_CHARACTERS,
    asked_name,
    check_characters,
    check_edges,
    check_length,
    labels_match,
    shortened,
)

FIELDS = ("pattern", "name")
ALIASES: dict[str, str] = {}
LATEST = (1, 0)

_MAXIMUM_LENGTH = 255


def judge(question: Question) -> MatchResult:
    """Answer as Dataplane V2 does: ``*`` is zero or more characters of one label, ``*`` alone is every name."""
    for pattern in question.patterns:
        check_pattern(pattern, field=question.field)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that DNS can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            return MatchResult("match", f"it fits {shortened(pattern)} (a star stays inside its label)")
    return MatchResult("no-match", "no pattern fits: a star stays inside its label, and the apex is not included")


def check_pattern(pattern: str, *, field: str) -> None:
    """Refuse what the CRD refuses, and an empty text, which the CRD takes although it can name nothing."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    if not pattern:
        raise InvalidPattern("an empty text names nothing")
    stars = frozenset("*" if field == "pattern" else "")
    check_characters(pattern, allowed=NAME_CHARACTERS | frozenset(".") | stars)
    check_edges(pattern.removesuffix(".").split("."), edge=LETTERS_AND_DIGITS | stars)


def matches(pattern: str, name: str) -> bool:
    """Whether a checked pattern takes the name (lower case, no final dot)."""
    if pattern == "*":
        return all(label and NAME_CHARACTERS.issuperset(label) for label in name.split("."))
    return labels_match(pattern.lower().removesuffix(".").split("."), name.split("."))
