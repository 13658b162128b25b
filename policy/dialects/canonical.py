"""Our own language: what an entry of the allowlist means, before any target has its say."""

from policy.destinations import Destination, parse_destination
from policy.dialects.result import InvalidPattern, MatchResult, Question
from policy.errors import InvalidDestination, InvalidName
from policy.names import canonical_name

FIELDS = ("destination",)
ALIASES: dict[str, str] = {}
LATEST = (1, 0)

_MEANINGS = {
    "host": "exact",
    "one-level": "exactly one label",
    "any-depth": "one or more labels",
    "cidr": "in the block",
}


def judge(question: Question) -> MatchResult:
    """Answer by the destination's own meaning; text that is not canonical is invalid, with the right form offered."""
    destinations = [_destination(pattern) for pattern in question.patterns]
    found = next((item for item in destinations if _takes(item, question.name)), None)
    if found is None:
        return MatchResult("no-match", "no destination takes it")
    apex = ", and the apex" if found.include_apex else ""
    return MatchResult("match", f"{found.canonical} takes it ({_MEANINGS[found.kind]}{apex})")


def _destination(pattern: str) -> Destination:
    try:
        return parse_destination(pattern)
    except InvalidDestination as error:
        raise InvalidPattern(error.message) from error


def _takes(destination: Destination, name: str) -> bool:
    if not destination.is_name:
        return _takes_address(destination, name)
    try:
        return destination.matches_name(canonical_name(name).ascii)
    except InvalidName:
        return False


def _takes_address(destination: Destination, text: str) -> bool:
    try:
        return destination.matches_address(text)
    except ValueError:
        return False
