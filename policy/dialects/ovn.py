"""OVN-Kubernetes EgressFirewall: ``dnsName``."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import (
    LETTERS_AND_DIGITS,
    asked_name,
    check_characters,
    check_length,
    labels_match,
    shortened,
)

FIELDS = ("dnsName",)
ALIASES: dict[str, str] = {}
LATEST = (1, 3)

_ALLOWED = LETTERS_AND_DIGITS | frozenset("-.")
_MAXIMUM_LENGTH = 255


def judge(question: Question) -> MatchResult:
    """Answer as with the DNSNameResolver enabled, which wildcards need: ``*.`` is exactly one label."""
    for pattern in question.patterns:
        check_pattern(pattern)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that DNS can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            meaning = "one label; needs the DNSNameResolver" if pattern.startswith("*.") else "exact"
            return MatchResult("match", f"it fits {shortened(pattern)} ({meaning})")
    return MatchResult("no-match", "no pattern fits; '*.' takes exactly one label, not the apex")


def check_pattern(pattern: str) -> None:
    """Refuse what the CRD refuses: an underscore, a star anywhere but as a leading ``*.``, an empty label."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    bare = pattern.removeprefix("*.").removesuffix(".")
    check_characters(bare, allowed=_ALLOWED)
    if not all(bare.split(".")):
        raise InvalidPattern(f"{shortened(pattern)} has an empty label")


def matches(pattern: str, name: str) -> bool:
    """Whether a checked pattern takes the name (lower case, no final dot)."""
    if not pattern.startswith("*."):
        return pattern.lower().removesuffix(".") == name
    labels = name.split(".")
    return bool(labels[0]) and labels_match(pattern.lower().removesuffix(".").split("."), labels)
