"""Label selectors of workloads and clusters: equality only, so that every target can carry them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from policy.errors import InvalidSelector

MAX_TEXT = 4_096
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Labels that must all be there with these values; an empty selector takes every pod."""

    match_labels: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "match_labels", tuple(sorted(self.match_labels)))

    @property
    def is_empty(self) -> bool:
        return not self.match_labels

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the selector; a missing key is not an empty value."""
        return all(labels.get(key) == value for key, value in self.match_labels)

    def covers(self, other: "LabelSelector") -> bool:
        """Whether everything that ``other`` takes is taken by this one."""
        return set(self.match_labels) <= set(other.match_labels)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name the selector."""
        return hashlib.sha256(format_selector(self).encode()).hexdigest()[:8]

    def as_labels(self) -> dict[str, str]:
        return dict(self.match_labels)

    def __str__(self) -> str:
        return format_selector(self)


EVERY_POD = LabelSelector()


def parse_selector(text: str) -> LabelSelector:
    """Read ``app=web,tier=db``; empty text selects everything."""
    if len(text) > MAX_TEXT:
        raise InvalidSelector(f"A selector has at most {MAX_TEXT} characters")
    if not text.strip():
        return EVERY_POD
    labels: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise InvalidSelector(f"{part.strip()!r} is not of the form key=value")
        if key in labels:
            raise InvalidSelector(f"The label {key!r} stands there twice")
        labels[check_label_key(key)] = check_label_value(value)
    return LabelSelector(tuple(labels.items()))


def format_selector(selector: LabelSelector) -> str:
    """The text of which ``parse_selector`` makes the same selector."""
    return ",".join(f"{key}={value}" for key, value in selector.match_labels)


def check_label_key(key: str) -> str:
    """Return a key that Kubernetes takes: an optional DNS prefix and a slash, then a word of at most 63 characters."""
    prefix, slash, name = key.rpartition("/")
    if slash and not _is_prefix(prefix):
        raise InvalidSelector(f"{prefix!r} is no prefix of a label")
    if not name or not _is_word(name):
        raise InvalidSelector(f"{name!r} is no name of a label")
    return key


def check_label_value(value: str) -> str:
    """Return a value that Kubernetes takes: empty, or a word of at most 63 characters."""
    if value and not _is_word(value):
        raise InvalidSelector(f"{value!r} is no value of a label")
    return value


def _is_word(text: str) -> bool:
    if len(text) > 63 or not all(character in _WORD for character in text):
        return False
    return text[0] not in "-_." and text[-1] not in "-_."


def _is_prefix(text: str) -> bool:
    if not text or len(text) > 253 or not all(character in _HOST for character in text):
        return False
    return all(label and label[0] != "-" and label[-1] != "-" for label in text.split("."))
