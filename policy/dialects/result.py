"""The answer of a dialect, and the question it answers."""

from dataclasses import dataclass
from typing import Literal

from policy.errors import DomainError

Result = Literal["match", "no-match", "invalid"]


@dataclass(frozen=True, slots=True)
class MatchResult:
    """``invalid`` speaks of the patterns alone: the target refuses them or fails on them, whatever the name."""

    result: Result
    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """Patterns that stand together in one ``field`` of one object, and the name that is asked about."""

    patterns: tuple[str, ...]
    name: str
    field: str
    version: tuple[int, int]


class InvalidPattern(Exception):
    """The target would refuse this set of patterns; the message says why."""


class UnknownField(DomainError):
    """The dialect has no such field for names."""

    code = "unknown_field"


class UnknownVersion(DomainError):
    """A version that is no ``major.minor``."""

    code = "unknown_version"
