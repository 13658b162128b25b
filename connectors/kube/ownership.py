"""Whose an object is, and who changed what of it: reading ``metadata.managedFields``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.kube.replies import Object

FIELD_MANAGER = "sallyport"
OWNER_LABEL = "app.kubernetes.io/managed-by"
OWNER_VALUE = "sallyport"
GENERATION_ANNOTATION = "sallyport.dev/generation"


@dataclass(frozen=True, slots=True)
class Change:
    """The last change that one manager made to an object, in one way."""

    manager: str
    operation: str
    at: datetime.datetime | None
    subresource: str = ""

    @property
    def is_ours(self) -> bool:
        return self.manager == FIELD_MANAGER


def metadata_of(obj: Object) -> dict[str, Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def managed_fields(obj: Object) -> list[dict[str, Any]]:
    entries = metadata_of(obj).get("managedFields")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def is_ours(obj: Object) -> bool:
    """Whether the portal may touch ``obj``: it wrote some of it, or the object says by its label that it is ours.

    Either is enough, because a hostile or clumsy edit may remove one of them from an object that we keep.
    """
    labels = metadata_of(obj).get("labels") or {}
    return labels.get(OWNER_LABEL) == OWNER_VALUE or any(e.get("manager") == FIELD_MANAGER for e in managed_fields(obj))


def generation_of(obj: Object) -> int | None:
    """The generation of the desired state that ``obj`` was written from, or ``None`` where it does not say."""
    text = str((metadata_of(obj).get("annotations") or {}).get(GENERATION_ANNOTATION, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def changes(obj: Object) -> tuple[Change, ...]:
    """Who changed ``obj``, the latest first; status updates of controllers are among them, by their subresource."""
    found = [
        Change(
            manager=str(entry.get("manager", "")),
            operation=str(entry.get("operation", "")),
            at=_time(entry.get("time")),
            subresource=str(entry.get("subresource", "")),
        )
        for entry in managed_fields(obj)
    ]
    earliest = datetime.datetime.min.replace(tzinfo=datetime.UTC)
    # Times are in whole seconds: of two changes in one second, the one that is not ours is the later for a reader.
    return tuple(sorted(found, key=lambda change: (change.at or earliest, not change.is_ours), reverse=True))


def last_change(obj: Object) -> Change | None:
    """The latest change of the object proper, by anybody."""
    return next((change for change in changes(obj) if not change.subresource), None)


def last_foreign_change(obj: Object) -> Change | None:
    """The latest change of the object proper by somebody else than the portal: the likely author of a drift.

    Only who *set* something is recorded; who merely removed something leaves no trace here (an audit log has it).
    """
    return next((change for change in changes(obj) if not change.subresource and not change.is_ours), None)


def managers_of(obj: Object, *, path: Sequence[str]) -> tuple[str, ...]:
    """The managers that own the field at ``path`` (mapping keys from the root), or the nearest field that holds it."""
    owners = (str(e.get("manager", "")) for e in managed_fields(obj) if _owns(e.get("fieldsV1"), path))
    return tuple(sorted(set(owners)))


def _owns(fields: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(fields, dict) or f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
        if fields == {}:
            return True
    return True


def _time(text: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def has_leftover(obj: Object) -> bool:
    """Whether our first writing of ``obj`` still counts as an update, so that an apply could not remove its fields."""
    return any(_is_our_update(entry) for entry in managed_fields(obj))


def as_applied(obj: Object) -> list[dict[str, Any]]:
    """The managed fields of ``obj`` with our update turned into an apply, merged with our apply if there is one."""
    ours = [entry for entry in managed_fields(obj) if _is_ours_proper(entry)]
    others = [entry for entry in managed_fields(obj) if not _is_ours_proper(entry)]
    if not ours:
        return others
    merged: dict[str, Any] = {}
    for entry in ours:
        merged = _union(merged, entry.get("fieldsV1") or {})
    latest = max(ours, key=lambda entry: str(entry.get("time", "")))
    return [{**latest, "operation": "Apply", "fieldsV1": merged}, *others]


def _is_ours_proper(entry: dict[str, Any]) -> bool:
    return entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")


def _is_our_update(entry: dict[str, Any]) -> bool:
    return _is_ours_proper(entry) and entry.get("operation") == "Update"


def _union(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _union(merged[key], value) if isinstance(merged.get(key), dict) else value
    return merged


def foreign_paths(*, desired: Object, live: Object) -> tuple[tuple[str, ...], ...]:
    """Fields of ``live`` that others put beside ours and that ``desired`` does not have, outermost only.

    Only what decides about traffic counts: metadata and status belong to everybody. Defaults that the server filled
    in are owned by nobody and are no finding.
    """
    others = [e for e in managed_fields(live) if e.get("manager") != FIELD_MANAGER and not e.get("subresource")]
    roots = {key: value for key, value in live.items() if key not in {"apiVersion", "kind", "metadata", "status"}}
    return tuple(_extra(roots, desired, others, ()))


def _extra(
    live: dict[str, Any], desired: dict[str, Any], others: list[dict[str, Any]], at: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    for key, value in live.items():
        path = (*at, key)
        wanted = desired.get(key)
        if key not in desired:
            if any(_owns(entry.get("fieldsV1"), path) for entry in others):
                yield path
        elif isinstance(value, dict) and isinstance(wanted, dict):
            yield from _extra(value, wanted, others, path)
