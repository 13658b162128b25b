"""How names are read before they are compared, and matching inside one label. Nothing here is slower than linear in
the name for the bounded patterns that targets accept."""

import string

from policy.dialects.result import InvalidPattern

# RFC 1035 counts 255 bytes on the wire, which is 253 characters of text; some targets count the final dot as well.
MAXIMUM_NAME = 255

LETTERS_AND_DIGITS = frozenset(string.ascii_letters + string.digits)
NAME_CHARACTERS = LETTERS_AND_DIGITS | frozenset("-_")


def asked_name(text: str) -> str | None:
    """The name as it travels in DNS, SNI or a request: lower case, no final dot; None when no packet can carry it."""
    if len(text) > MAXIMUM_NAME or not text.isascii() or not text.isprintable() or " " in text:
        return None
    return text.lower().removesuffix(".") or None


def exact_or_suffix(pattern: str, name: str, *, takes_apex: bool) -> bool:
    """Whether ``pattern`` is the name, or covers it by a leading dot; then the apex counts only if ``takes_apex``."""
    if not pattern.startswith("."):
        return pattern == name
    return (name.endswith(pattern) and len(name) > len(pattern)) or (takes_apex and name == pattern[1:])


def label_matches(pattern: str, label: str) -> bool:
    """Whether one label fits a pattern in which every ``*`` stands for zero or more characters of names."""
    if "*" not in pattern:
        return pattern == label
    if not NAME_CHARACTERS.issuperset(label):
        return False
    first, *middle, last = pattern.split("*")
    if len(label) < len(first) + len(last) or not label.startswith(first) or not label.endswith(last):
        return False
    position, end = len(first), len(label) - len(last)
    for part in middle:
        found = label.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def labels_match(patterns: list[str], labels: list[str]) -> bool:
    """Whether the labels fit the patterns one by one."""
    return len(patterns) == len(labels) and all(map(label_matches, patterns, labels))


def check_length(pattern: str, *, limit: int) -> None:
    """Refuse a pattern over the length that the target takes, before anything else looks at it."""
    if len(pattern) > limit:
        raise InvalidPattern(f"the pattern is longer than {limit} characters")


def check_characters(pattern: str, *, allowed: frozenset[str]) -> None:
    """Refuse the first character that the target does not take."""
    wrong = next((character for character in pattern if character not in allowed), None)
    if wrong is not None:
        raise InvalidPattern(f"the character {wrong!r} is not allowed in {shortened(pattern)}")


def check_edges(labels: list[str], *, edge: frozenset[str]) -> None:
    """Refuse a label that is empty or that begins or ends with a character which may stand only inside."""
    for label in labels:
        if not label:
            raise InvalidPattern("a label is empty")
        if label[0] not in edge or label[-1] not in edge:
            raise InvalidPattern(f"the label {shortened(label)} begins or ends with a character for inside only")


def check_no_duplicates(patterns: tuple[str, ...]) -> None:
    """Refuse a set that holds one text twice, as an API server does for fields of type set."""
    seen: set[str] = set()
    for pattern in patterns:
        if pattern in seen:
            raise InvalidPattern(f"{shortened(pattern)} stands twice in a field that is a set")
        seen.add(pattern)


def shortened(text: str) -> str:
    """The text in quotes, cut to a length that a message can carry."""
    return repr(text if len(text) <= 64 else text[:61] + "...")
