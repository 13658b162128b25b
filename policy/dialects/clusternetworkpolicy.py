"""ClusterNetworkPolicy v1alpha2, AdminNetworkPolicy v1alpha1 and the AWS kinds: ``domainNames``."""

from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.dialects.spelling import (
    LETTERS_AND_DIGITS,
    NAME_CHARACTERS,
    asked_name,
    check_characters,
    check_length,
    check_no_duplicates,
    exact_or_suffix,
    shortened,
)

FIELDS = ("domainNames",)
ALIASES: dict[str, str] = {}
LATEST = (1, 0)

MAXIMUM_NAMES = 25
# The CRD's pattern writes A-z where A-Z is meant, so the server takes these six as the first character of a label too.
_SERVER_TYPO = frozenset("[\\]^_`")
_FIRST = LETTERS_AND_DIGITS | _SERVER_TYPO
# The CRD has no limit; beyond this no text can be a name, however it is written.
_MAXIMUM_LENGTH = 1024


def judge(question: Question) -> MatchResult:
    """Answer as the API text says: ``*.`` is one or more labels and never the apex."""
    if len(question.patterns) > MAXIMUM_NAMES:
        raise InvalidPattern(f"one peer has at most {MAXIMUM_NAMES} domain names")
    check_no_duplicates(question.patterns)
    for pattern in question.patterns:
        check_pattern(pattern)
    name = asked_name(question.name)
    if name is None:
        return MatchResult("no-match", "the text asked about is not a name that DNS can carry")
    for pattern in question.patterns:
        if matches(pattern, name):
            meaning = "one or more labels" if pattern.startswith("*.") else "exact"
            return MatchResult("match", f"it fits {shortened(pattern)} ({meaning})")
    return MatchResult("no-match", "no pattern fits; '*.' takes one or more labels, not the apex")


def check_pattern(pattern: str) -> None:
    """Refuse what the CRD refuses: a star other than a leading ``*.``, fewer than two labels, a wrong character."""
    check_length(pattern, limit=_MAXIMUM_LENGTH)
    labels = pattern.removeprefix("*.").removesuffix(".").split(".")
    for label in labels:
        _check_label(label)
    if len(labels) < 2:
        raise InvalidPattern(f"{shortened(pattern)} has fewer than two labels")


def matches(pattern: str, name: str) -> bool:
    """Whether a checked pattern takes the name (lower case, no final dot)."""
    text = pattern.lower().removesuffix(".")
    return exact_or_suffix(text.removeprefix("*"), name, takes_apex=False)


def _check_label(label: str) -> None:
    if not label:
        raise InvalidPattern("a label is empty")
    check_characters(label[0], allowed=_FIRST)
    check_characters(label[1:], allowed=NAME_CHARACTERS)
    if len(label) > 1 and label[-1] not in LETTERS_AND_DIGITS:
        raise InvalidPattern(f"the label {shortened(label)} ends with a character that may stand only inside")
