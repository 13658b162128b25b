"""Patterns of names, read as their target reads them."""

from functools import lru_cache

from policy.dialects import match


@lru_cache(maxsize=65_536)
def fits(*, dialect: str, field: str | None, pattern: str, name: str) -> bool:
    """Whether the target takes the name under the pattern; a pattern that it would refuse takes none."""
    return match(dialect=dialect, pattern=pattern, name=name, field=field).result == "match"
