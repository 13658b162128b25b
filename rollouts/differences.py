"""How two objects differ, field by field and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policy.bundles import canonical_json
from rollouts.objects import Object, essence, sorted_lists

MAX_DIFFERENCES = 200
ABSENT = object()


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field: where it is, what was published, and what lies on the cluster; absent is ``None``."""

    path: str
    published: Any
    live: Any

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "published": self.published, "live": self.live}

    def in_words(self) -> str:
        if self.published is None:
            return f"{self.path} was added"
        if self.live is None:
            return f"{self.path} was removed"
        return f"{self.path} was changed"


def differences(published: Object, live: Object) -> tuple[FieldDifference, ...]:
    """Every field that differs in meaning; what the server adds by itself and the order of rules do not count."""
    found = _compare("", sorted_lists(essence(published)), sorted_lists(essence(live)))
    return tuple(sorted(found, key=lambda one: one.path)[:MAX_DIFFERENCES])


def in_words(found: tuple[FieldDifference, ...]) -> str:
    """The differences as one sentence that fits beside the object's name."""
    shown = "; ".join(one.in_words() for one in found[:4])
    return f"{shown}; and {len(found) - 4} more" if len(found) > 4 else shown


def _compare(path: str, published: Any, live: Any) -> Iterator[FieldDifference]:
    if isinstance(published, dict) and isinstance(live, dict):
        for key in sorted({*published, *live}):
            inner = f"{path}.{key}" if path else str(key)
            yield from _compare(inner, published.get(key, ABSENT), live.get(key, ABSENT))
    elif isinstance(published, list) and isinstance(live, list):
        yield from _compare_lists(path, published, live)
    elif not _equal(published, live):
        yield FieldDifference(path, _shown(published), _shown(live))


def _compare_lists(path: str, published: list[Any], live: list[Any]) -> Iterator[FieldDifference]:
    """Lists as sets; what is left over on both sides is paired, so that a changed port shows as a changed port."""
    gone = _without(published, live)
    came = _without(live, published)
    for index, left in enumerate(list(gone)):
        partner = _partner(left, came)
        if partner is not None:
            came.remove(partner)
            gone.remove(left)
            yield from _compare(f"{path}[{_name(left, index)}]", left, partner)
    for index, left in enumerate(gone):
        yield FieldDifference(f"{path}[{_name(left, index)}]", left, None)
    for index, right in enumerate(came):
        yield FieldDifference(f"{path}[{_name(right, index)}]", None, right)


def _without(items: list[Any], others: list[Any]) -> list[Any]:
    known = [canonical_json(other) for other in others]
    left = []
    for item in items:
        text = canonical_json(item)
        if text in known:
            known.remove(text)
        else:
            left.append(item)
    return left


def _partner(item: Any, candidates: list[Any]) -> Any | None:
    """The element that most likely was ``item`` before: of the same description, or with most fields equal."""
    if not isinstance(item, dict):
        return None
    # One gone and one come is a change, however little the two have in common.
    best, best_score = None, -1 if len(candidates) == 1 else 0
    for other in candidates:
        if not isinstance(other, dict):
            continue
        if item.get("description") != other.get("description"):
            continue
        score = sum(1 for key in item if _equal(item[key], other.get(key, ABSENT)))
        if score > best_score:
            best, best_score = other, score
    return best


def _name(item: Any, index: int) -> str:
    description = item.get("description") if isinstance(item, dict) else None
    return str(description).split(" ")[0] if description else str(index)


def _equal(left: Any, right: Any) -> bool:
    if left is ABSENT or right is ABSENT:
        return left is right
    return canonical_json(left) == canonical_json(right)


def _shown(value: Any) -> Any:
    return None if value is ABSENT else value
