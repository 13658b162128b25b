"""What a name pattern means to each target. The same text differs everywhere, so every dialect has its own module."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from policy.dialects import antrea, aws_nfw, calico, canonical, cilium, clusternetworkpolicy, gke, ovn, squid
from policy.dialects.result import (
    InvalidPattern,
    MatchResult,
    Question,
    Result,
    UnknownField,
    UnknownVersion,
)
from policy.errors import UnknownDialect

__all__ = ["DIALECTS", "Dialect", "MatchResult", "Result", "match"]

_MAXIMUM_VERSION_PART = 9999


@dataclass(frozen=True)
class Dialect:
    """One dialect: the fields in which its patterns stand (the first is assumed), and who answers."""

    name: str
    fields: tuple[str, ...]
    aliases: Mapping[str, str]
    latest: tuple[int, int]
    judge: Callable[[Question], MatchResult]


DIALECTS: Mapping[str, Dialect] = {
    name: Dialect(name=name, fields=module.FIELDS, aliases=module.ALIASES, latest=module.LATEST, judge=module.judge)
    for name, module in {
        "antrea": antrea,
        "aws-nfw": aws_nfw,
        "calico": calico,
        "canonical": canonical,
        "cilium": cilium,
        "clusternetworkpolicy": clusternetworkpolicy,
        "gke": gke,
        "ovn": ovn,
        "squid": squid,
    }.items()
}


def match(
    *,
    dialect: str,
    name: str,
    pattern: str | None = None,
    patterns: Iterable[str] = (),
    field: str | None = None,
    version: str | None = None,
) -> MatchResult:
    """Whether the target takes ``name`` under these patterns, which stand together in one field, in this order.

    Never raises for a text, however odd: what the target would refuse is ``invalid``. An unknown dialect, field or
    version is the caller's mistake and raises.
    """
    known = DIALECTS.get(dialect)
    if known is None:
        raise UnknownDialect(f"There is no dialect {dialect!r}", details={"dialects": sorted(DIALECTS)})
    asked = (() if pattern is None else (pattern,)) + tuple(patterns)
    question = Question(
        patterns=asked,
        name=name,
        field=_field(field, dialect=known, patterns=asked),
        version=_version(version, dialect=known),
    )
    try:
        return known.judge(question)
    except InvalidPattern as error:
        return MatchResult("invalid", str(error))


def _field(field: str | None, *, dialect: Dialect, patterns: tuple[str, ...]) -> str:
    if field is None:
        return dialect.fields[0]
    short = field.rsplit(".", 1)[-1]
    for spelling in (field, short):
        resolved = dialect.aliases.get(spelling, spelling)
        if resolved in dialect.fields:
            return resolved
    raise UnknownField(f"{dialect.name} has no field {field!r} for names", details={"fields": list(dialect.fields)})


def _version(version: str | None, *, dialect: Dialect) -> tuple[int, int]:
    """The first two numbers of a version; without one, the newest version that is known here."""
    if version is None:
        return dialect.latest
    parts = version.removeprefix("v").split(".")[:2]
    if not all(part.isascii() and part.isdigit() and len(part) <= len(str(_MAXIMUM_VERSION_PART)) for part in parts):
        raise UnknownVersion(f"{version!r} is no version: write it as 1.19")
    numbers = [int(part) for part in parts]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0
