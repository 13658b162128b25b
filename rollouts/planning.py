"""The steps from what lies on a cluster to what should: in which order, and what a person must see first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.kube.ownership import FIELD_MANAGER, generation_of, is_ours, managed_fields
from policy.bundles import canonical_json
from rollouts.errors import Superseded, SuspiciousShrink
from rollouts.objects import (
    Object,
    ObjectKey,
    by_key,
    closes_egress,
    is_base,
    key_of,
    passports_of,
    permissive,
    rules_of,
    same,
    stamped,
    uid_of,
    union,
)

HELD_SHARE = 0.5
HELD_COUNT = 3

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Step:
    """One write. Updates and deletions are conditioned on the object as it was read or as the step before left it."""

    action: Action
    key: ObjectKey
    manifest: Object = field(default_factory=dict)
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """A complete reading of the policy objects of one namespace, ours and other people's."""

    ours: Mapping[ObjectKey, Object]
    foreign: Mapping[ObjectKey, Object]


def split(objects: Collection[Object]) -> Live:
    """Ours are those that carry our label or our field manager; all others are never touched."""
    found = by_key(objects)
    return Live(
        ours={key: item for key, item in found.items() if is_ours(item)},
        foreign={key: item for key, item in found.items() if not is_ours(item)},
    )


def plan(
    *,
    desired: Sequence[Object],
    live: Live,
    generation: int,
    published: Collection[ObjectKey],
    approved_deletions: Collection[str] = (),
    max_bytes: int,
) -> tuple[Step, ...]:
    """The writes, in an order that never denies what both the old and the new state allow; none when all is in place.

    ``published`` names the objects of the bundle last published and ``approved_deletions`` the UIDs of objects whose
    removal a person asked for: besides those, only an object that we wrote is ever deleted. Raises ``Superseded``
    where anything of ours carries a newer generation.
    """
    check_not_superseded(live, generation)
    wanted = {key_of(item): stamped(item, generation) for item in desired}
    changed = [(live.ours[key], item) for key, item in wanted.items() if key in live.ours]
    changed = [(old, new) for old, new in changed if not same(old, new)]
    missing = [item for key, item in wanted.items() if key not in live.ours]
    surplus = [item for key, item in live.ours.items() if key not in wanted]
    doomed = [one for one in surplus if _has_tombstone(one, published=published, approved=approved_deletions)]

    steps = [*_opening(missing, live=live), *_growing(changed, missing, max_bytes=max_bytes)]
    steps += _creating(missing, opened={step.key for step in steps if step.action == "create"})
    steps += _shrinking(changed, missing, grown={step.key: step.manifest for step in steps})
    steps += [Step("delete", key_of(item), item, uid_of(item)) for item in sorted(doomed, key=key_of)]
    return tuple(steps)


def check_not_superseded(live: Live, generation: int) -> None:
    """Raises ``Superseded`` where the cluster carries a newer generation than the one at hand."""
    newest = max((generation_of(item) or 0 for item in live.ours.values()), default=0)
    if newest > generation:
        message = f"The cluster carries generation {newest}, newer than {generation}; nothing was written."
        raise Superseded(message, live_generation=newest)


def check_shrink(*, before: Collection[str], after: Collection[str]) -> None:
    """Raises ``SuspiciousShrink`` where more than half of the entries, and more than a few, would go at once."""
    gone = set(before) - set(after)
    if len(gone) > HELD_COUNT and len(gone) > HELD_SHARE * len(set(before)):
        shown = ", ".join(sorted(gone)[:8]) + (" …" if len(gone) > 8 else "")
        message = f"{len(gone)} of {len(set(before))} entries would be removed at once: {shown}."
        raise SuspiciousShrink(message, details={"removed": sorted(gone)[:200]})


def carried(live: Live) -> frozenset[str]:
    """The passports that our objects on the cluster name."""
    return passports_of(live.ours.values())


def _opening(missing: Sequence[Object], *, live: Live) -> list[Step]:
    """Create the base without its deny first, where the other objects would otherwise close pods before DNS is open.

    Only where nothing closes egress yet: beside an isolating policy of anybody, an open base would open it.
    """
    base = next((item for item in missing if is_base(item)), None)
    isolated = any(closes_egress(item) for item in (*live.ours.values(), *live.foreign.values()))
    if base is None or len(missing) == 1 or isolated:
        return []
    return [Step("create", key_of(base), permissive(base))]


def _growing(changed: Sequence[tuple[Object, Object]], missing: Sequence[Object], *, max_bytes: int) -> list[Step]:
    """Updates that open more. One that also closes is first written as the union, where several objects change."""
    steps = []
    alone = len(changed) + len(missing) == 1
    for old, new in sorted(changed, key=lambda pair: key_of(pair[1])):
        opens, closes = rules_of(new) - rules_of(old), rules_of(old) - rules_of(new)
        if not opens:
            continue
        target = new
        if closes and not alone:
            both = union(old, new)
            target = both if len(canonical_json(both)) <= max_bytes else new
        steps.append(Step("update", key_of(new), target, uid_of(old)))
    return steps


def _creating(missing: Sequence[Object], *, opened: Collection[ObjectKey]) -> list[Step]:
    """The objects that are not there, the base last: it is what closes."""
    absent = [item for item in missing if key_of(item) not in opened]
    return [Step("create", key_of(item), item) for item in sorted(absent, key=lambda one: (is_base(one), key_of(one)))]


def _shrinking(
    changed: Sequence[tuple[Object, Object]], missing: Sequence[Object], *, grown: Mapping[ObjectKey, Object]
) -> list[Step]:
    """Updates in place to the final form, for what has not reached it yet; the base last."""
    steps = []
    finals = [(new, uid_of(old)) for old, new in changed] + [(item, "") for item in missing]
    for new, uid in sorted(finals, key=lambda pair: (is_base(pair[0]), key_of(pair[0]))):
        key = key_of(new)
        if key in grown and same(grown[key], new):
            continue
        steps.append(Step("update", key, new, uid))
    return steps


def _has_tombstone(item: Object, *, published: Collection[ObjectKey], approved: Collection[str]) -> bool:
    """Whether the object's absence from the new bundle may end its life: we wrote it, or a person said so."""
    if uid_of(item) in approved:
        return True
    written_by_us = any(entry.get("manager") == FIELD_MANAGER for entry in managed_fields(item))
    return key_of(item) in published or written_by_us
