"""Antrea: ``fqdn`` of a peer, where a star crosses dots."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import LETTERS_AND_DIGITS, asked_name, check_characters, check_length, shortened

FIELDS = ("fqdn",)
ALIASES: dict[str, str] = {}
LATEST = (2, 7)

_ALLOWED = LETTERS_AND_DIGITS | frozenset("-.*")
_MAXIMUM_LENGTH = 255


def judge(question: Question) -> MatchResult:
    """Answer as the agent does: ``*`` is any text, dots included; without a star the text is compared as it stands."""
    for pattern in question.patterns:
        check_pattern(pattern)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that DNS can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            meaning = "a star crosses dots" if "*" in pattern else "exact"
            return MatchResult("match", f"it fits {shortened(pattern)} ({meaning})")
    if any(pattern.endswith(".") for pattern in question.patterns):
        return MatchResult("no-match", "a final dot in the pattern is compared literally and never matches")
    return MatchResult("no-match", "no pattern fits this name")


def check_pattern(pattern: str) -> None:
    """Refuse what the webhook refuses; underscores are among it."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    if not pattern:
        raise InvalidPattern("the pattern is empty")
    check_characters(pattern, allowed=_ALLOWED)


def matches(pattern: str, name: str) -> bool:
    """Whether a checked pattern takes the name (lower case, no final dot)."""
    first, *rest = pattern.lower().split("*")
    if not rest:
        return first == name
    *middle, last = rest
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
