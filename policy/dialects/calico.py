"""Calico Enterprise and Cloud: ``domains`` and ``allowedEgressDomains``. Open-source Calico has no names at all."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import (
    NAME_CHARACTERS,
    asked_name,
    check_characters,
    check_length,
    shortened,
)

FIELDS = ("domains", "allowedEgressDomains")
ALIASES = {"destination.domains": "domains"}
LATEST = (3, 22)

_MAXIMUM_LENGTH = 255


def judge(question: Question) -> MatchResult:
    """Answer as documented: one ``*``, a whole label and not the last, stands for one or more labels."""
    for pattern in question.patterns:
        check_pattern(pattern)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that DNS can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            meaning = "the star is one or more labels; Enterprise and Cloud only" if "*" in pattern else "exact"
            return MatchResult("match", f"it fits {shortened(pattern)} ({meaning})")
    return MatchResult("no-match", "no pattern fits; a star takes one or more whole labels, not the apex")


def check_pattern(pattern: str) -> None:
    """Refuse what the documentation excludes: a second star, a star inside a label or as the last, a final dot."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    check_characters(pattern, allowed=NAME_CHARACTERS | frozenset(".*"))
    labels = pattern.split(".")
    if not all(labels):
        raise InvalidPattern(f"{shortened(pattern)} has an empty label")
    if pattern.count("*") > 1:
        raise InvalidPattern("at most one star may stand in a domain")
    if any("*" in label and label != "*" for label in labels):
        raise InvalidPattern("a star must be a whole label")
    if labels[-1] == "*":
        raise InvalidPattern("the last label may not be a star")


def matches(pattern: str, name: str) -> bool:
    """Whether a checked pattern takes the name (lower case, no final dot)."""
    wanted, labels = pattern.lower().split("."), name.split(".")
    if "*" not in wanted:
        return wanted == labels
    place = wanted.index("*")
    after = len(wanted) - place - 1
    taken = labels[place : max(len(labels) - after, 0)]
    return bool(taken) and all(taken) and labels[:place] == wanted[:place] and labels[-after:] == wanted[-after:]
