"""Rendered policy before and after a change, as a unified diff; equal inputs are compiled once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import yaml

from allowlist.desired import Target, compile_target, desired_for_many, policies_of, template_of
from allowlist.models import DesiredNamespace
from governance.effects import Effect, TargetEffect, passport_of
from governance.models import EgressRequest
from policy.compilation import DIALECTS
from policy.entries import PolicyEntry

MAX_LINES = 20_000
MAX_DIFF_LINES = 400

DiffLine = tuple[str, str]
Key = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Preview:
    """One change of rendered policy, and all the targets that it is the same for."""

    dialect: str
    namespace: str
    effects: tuple[TargetEffect, ...]
    lines: tuple[DiffLine, ...]
    is_first: bool

    @property
    def clusters(self) -> list[str]:
        return [one.target.cluster.name for one in self.effects]

    @property
    def fidelity(self) -> Any:
        return self.effects[0].fidelity

    @property
    def is_enforced(self) -> bool:
        return self.effects[0].is_enforced


@dataclass
class _Group:
    target: Target
    before: tuple[PolicyEntry, ...] | None
    after: tuple[PolicyEntry, ...]
    effects: list[TargetEffect] = field(default_factory=list)


def previews_of(effect: Effect, *, at: datetime) -> tuple[Preview, ...]:
    """What each target carries now against what it would carry; targets with equal answers stand together."""
    targets = [one.target for one in effect.targets if one.target.enforcement_point.dialect in DIALECTS]
    desired = desired_for_many(targets, at=at)
    enrolled = _enrolled(targets)
    groups: dict[tuple[Any, ...], _Group] = {}
    for one in effect.targets:
        if one.target.key not in desired:
            continue
        present = tuple(policies_of(desired[one.target.key]))
        before = present if one.target.key in enrolled else None
        after = _after(effect, present)
        groups.setdefault(_group_key(one.target, before, after), _Group(one.target, before, after)).effects.append(one)
    # What is enforced comes first: that is what approving changes.
    ordered = sorted(groups.values(), key=lambda group: not group.effects[0].is_enforced)
    return tuple(_preview(group, at=at) for group in ordered)


def _enrolled(targets: Iterable[Target]) -> set[Key]:
    namespaces = [target.namespace for target in targets]
    rows = DesiredNamespace.objects.filter(namespace__in=namespaces)
    return set(rows.values_list("enforcement_point_id", "namespace_id"))


def _after(effect: Effect, present: tuple[PolicyEntry, ...]) -> tuple[PolicyEntry, ...]:
    passport = passport_of(effect.entry)
    kept = [entry for entry in present if entry.passport != passport]
    if effect.kind != EgressRequest.Kind.REVOKE:
        kept.append(effect.proposal.as_policy(passport))
    return tuple(sorted(kept, key=lambda entry: entry.passport))


def _group_key(
    target: Target, before: tuple[PolicyEntry, ...] | None, after: tuple[PolicyEntry, ...]
) -> tuple[Any, ...]:
    template = template_of(target.cluster)
    return (target.enforcement_point.capabilities, template, target.namespace.name, before, after)


def _preview(group: _Group, *, at: datetime) -> Preview:
    old = _manifests(group.target, group.before, at=at)
    new = _manifests(group.target, group.after, at=at)
    return Preview(
        dialect=group.target.enforcement_point.dialect,
        namespace=group.target.namespace.name,
        effects=tuple(group.effects),
        lines=tuple(unified_diff(old, new)),
        is_first=group.before is None,
    )


def _manifests(target: Target, entries: tuple[PolicyEntry, ...] | None, *, at: datetime) -> list[str]:
    """The objects as YAML lines; a namespace without any policy of ours has none."""
    if entries is None:
        return []
    bundle = compile_target(target, entries, at=at)
    return yaml.safe_dump_all(bundle.objects, sort_keys=True, width=120, allow_unicode=True).splitlines()


def unified_diff(old: list[str], new: list[str]) -> list[DiffLine]:
    """Lines with their sign, three of context; what is too long for a page is cut, and says so."""
    if len(old) + len(new) > MAX_LINES:
        return [(" ", f"The policy has {len(new)} lines: too many to show the difference here.")]
    found: list[DiffLine] = []
    # The first two lines name files, and there are none.
    for line in islice(difflib.unified_diff(old, new, lineterm="", n=3), 2, None):
        found.append((" ", "…") if line.startswith("@@") else (line[0], line[1:]))
    if len(found) > MAX_DIFF_LINES:
        return [*found[:MAX_DIFF_LINES], (" ", f"… {len(found) - MAX_DIFF_LINES} lines more")]
    return found
