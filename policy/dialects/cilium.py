"""Cilium: ``toFQDNs``, DNS rules and ``serverNames``, whose wildcards grew with the agent's version."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import (
    NAME_CHARACTERS,
    asked_name,
    check_characters,
    check_length,
    check_no_duplicates,
    labels_match,
    shortened,
)

FIELDS = ("matchPattern", "matchName", "serverNames")
ALIASES = {"toFQDNs": "matchPattern", "dns": "matchPattern", "rules.dns": "matchPattern"}
LATEST = (1, 20)

# `**.` became "any depth", and `**` alone "every name", in 1.19; older agents read every run of stars as one star.
_ANY_DEPTH_SINCE = (1, 19)
_SERVER_NAME_WILDCARDS_SINCE = (1, 20)
_MAXIMUM_LENGTH = 255


def judge(question: Question) -> MatchResult:
    """Answer as the agent of ``question.version`` does; the name is taken as its DNS proxy sees it."""
    for pattern in question.patterns:
        check_pattern(pattern, wildcards=question.field != "matchName")
    if question.field == "serverNames":
        check_no_duplicates(question.patterns)
    name = "." if question.name == "." else asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that DNS can carry")
    for pattern in question.patterns:
        if reason := _reason(pattern, name, question=question):
            return MatchResult("match", reason)
    return MatchResult("no-match", _explain(question))


def check_pattern(pattern: str, *, wildcards: bool) -> None:
    """Refuse what the CRD refuses: another character, an empty label, more than 255 characters."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    check_characters(pattern, allowed=NAME_CHARACTERS | frozenset(".*" if wildcards else "."))
    if not pattern or pattern.startswith(".") or ".." in pattern:
        raise InvalidPattern(f"{shortened(pattern)} has an empty label")


def matches(pattern: str, name: str, *, version: tuple[int, int] = LATEST) -> bool:
    """Whether a checked ``matchPattern`` takes the name (lower case, no final dot)."""
    text = pattern.lower()
    bare = text.removesuffix(".")
    if _is_every_name(text, version=version):
        return name == "." or all(label and NAME_CHARACTERS.issuperset(label) for label in name.split("."))
    labels, wanted = name.split("."), bare.split(".")
    if version >= _ANY_DEPTH_SINCE and len(wanted[0]) > 1 and set(wanted[0]) == {"*"}:
        return _matches_below(wanted[1:], labels)
    return labels_match(wanted, labels)


def _is_every_name(text: str, *, version: tuple[int, int]) -> bool:
    if version < _ANY_DEPTH_SINCE:
        return text == "*"
    return set(text.removesuffix(".")) == {"*"}


def _matches_below(wanted: list[str], labels: list[str]) -> bool:
    """``**.`` takes one or more whole labels, none of them empty."""
    extra = len(labels) - len(wanted)
    above = labels[: max(extra, 0)]
    taken = all(label and NAME_CHARACTERS.issuperset(label) for label in above)
    return extra >= 1 and taken and labels_match(wanted, labels[extra:])


def _reason(pattern: str, name: str, *, question: Question) -> str | None:
    literal = question.field == "serverNames" and question.version < _SERVER_NAME_WILDCARDS_SINCE
    if literal or question.field == "matchName":
        return f"it is {shortened(pattern)} exactly" if pattern.lower().removesuffix(".") == name else None
    if matches(pattern, name, version=question.version):
        return f"it fits {shortened(pattern)} ({_meaning(pattern, version=question.version)})"
    return None


def _meaning(pattern: str, *, version: tuple[int, int]) -> str:
    if "*" not in pattern:
        return "exact"
    if _is_every_name(pattern, version=version):
        return "every name"
    if version >= _ANY_DEPTH_SINCE and pattern.startswith("**") and set(pattern.split(".")[0]) == {"*"}:
        return "one or more labels"
    return "a star stays inside its label"


def _explain(question: Question) -> str:
    starred = next((pattern for pattern in question.patterns if "*" in pattern), None)
    if starred is None:
        return "no pattern is exactly this name"
    if question.field == "serverNames" and question.version < _SERVER_NAME_WILDCARDS_SINCE:
        return "wildcards in serverNames need Cilium 1.20; an older agent takes the star literally"
    return f"outside {shortened(starred)} ({_meaning(starred, version=question.version)}; the apex is not included)"
