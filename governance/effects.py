"""What a request would do, as data: approvals bind to the hash of it, not to the words of the request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from accounts.models import Team
from allowlist.desired import TEMPLATE_VERSION, Scope, Target, targets_in, template_of
from allowlist.models import Entry
from allowlist.proposals import Proposal
from allowlist.services import PREVIEW_PASSPORT
from governance.models import EgressRequest
from policy.bundles import Fidelity, Fragment, canonical_json, sha256
from policy.compilation import DIALECTS, CompiledEntry, compile_entry
from policy.entries import PolicyEntry
from policy.risk import RULE_SET_VERSION

EFFECT_VERSION = 1
_NOT_IN_EFFECT = ("justification", "ticket")
REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class TargetEffect:
    """What becomes of the entry at one target."""

    target: Target
    fidelity: Fidelity
    fragment: Fragment

    @property
    def is_enforced(self) -> bool:
        """Whether the target would carry any rule of the entry."""
        return self.fidelity.verdict != "impossible" and self.fragment.rendered != "[]"

    def as_json(self) -> dict[str, Any]:
        point = self.target.enforcement_point
        return {
            "cluster": self.target.cluster.name,
            "environment": self.target.cluster.environment.slug,
            "tier": self.target.tier,
            "namespace": self.target.namespace.name,
            "dialect": point.dialect,
            "dialect_version": point.dialect_version,
            "verdict": self.fidelity.verdict,
            "reason": self.fidelity.reason,
            "witnesses": list(self.fidelity.witnesses),
            "fragment": self.fragment.hash,
        }


@dataclass(frozen=True)
class Effect:
    """The content, the scope, every target with what it would carry, and the versions that decided it."""

    kind: str
    team: Team
    entry: Entry | None
    proposal: Proposal
    targets: tuple[TargetEffect, ...]

    @cached_property
    def hash(self) -> str:
        return effect_hash(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Plain values, exactly those that the hash is taken over."""
        columns = self.proposal.columns()
        columns["expires_at"] = self.proposal.expires_at.astimezone(UTC).isoformat()
        return {
            "version": EFFECT_VERSION,
            "kind": str(self.kind),
            "team": str(self.team.pk),
            "entry": self.entry.passport if self.entry else None,
            "replaces": self._replaces(),
            "content": {name: value for name, value in columns.items() if name not in _NOT_IN_EFFECT},
            "risk_rules": RULE_SET_VERSION,
            "template": TEMPLATE_VERSION,
            "targets": [one.as_json() for one in self.targets],
            "fragments": {one.fragment.hash: one.fragment.rendered for one in self.targets},
        }

    def _replaces(self) -> list[int | None]:
        """The revisions that the tiers carry now: what an approver compared the change with."""
        if self.entry is None:
            return []
        carried = (self.entry.in_non_production, self.entry.in_production)
        return [one.number if one is not None else None for one in carried]

    @property
    def impossible(self) -> tuple[TargetEffect, ...]:
        return tuple(one for one in self.targets if not one.is_enforced)

    @property
    def reaches_nothing(self) -> bool:
        """Whether no target at all would carry a rule of it."""
        return not any(one.is_enforced for one in self.targets)


def effect_hash(effect: dict[str, Any]) -> str:
    return sha256(canonical_json(effect))


def effect_of(*, kind: str, team: Team, entry: Entry | None, proposal: Proposal, at: datetime) -> Effect:
    """The effect as the fleet, the template and the compilers are now; a constant number of queries."""
    targets = targets_in(Scope.of_proposal(proposal, team_id=team.pk))
    if kind == EgressRequest.Kind.REVOKE:
        effects = tuple(_removal(target, entry) for target in targets)
    else:
        policy = proposal.as_policy(passport_of(entry))
        compile_once = Compilations(at=at)
        effects = tuple(_effect(target, compile_once.of(target, policy)) for target in targets)
    return Effect(kind=kind, team=team, entry=entry, proposal=proposal, targets=effects)


def passport_of(entry: Entry | None) -> str:
    """A new entry is rendered under a stand-in: its own passport is drawn when it is approved."""
    return entry.passport if entry is not None else PREVIEW_PASSPORT


class Compilations:
    """Compiles an entry once for each dialect, set of capabilities and template, however many targets share them."""

    def __init__(self, *, at: datetime) -> None:
        self._at = at
        self._known: dict[tuple[Any, ...], CompiledEntry] = {}

    def of(self, target: Target, policy: PolicyEntry) -> CompiledEntry:
        capabilities, template = target.enforcement_point.capabilities, template_of(target.cluster)
        key = (capabilities, template, policy)
        if key not in self._known:
            if capabilities.dialect in DIALECTS:
                self._known[key] = compile_entry(
                    capabilities=capabilities, template=template, entry=policy, at=self._at
                )
            else:
                self._known[key] = _without_compiler(policy, capabilities.dialect)
        return self._known[key]


def _without_compiler(policy: PolicyEntry, dialect: str) -> CompiledEntry:
    fidelity = Fidelity("impossible", f"There is no compiler for “{dialect}”.", (policy.destination.canonical,))
    return CompiledEntry(Fragment(policy.passport, dialect, "[]"), fidelity)


def _effect(target: Target, compiled: CompiledEntry) -> TargetEffect:
    return TargetEffect(target, compiled.fidelity, compiled.fragment)


def _removal(target: Target, entry: Entry | None) -> TargetEffect:
    fragment = Fragment(passport_of(entry), target.enforcement_point.dialect, REMOVED)
    return TargetEffect(target, Fidelity("exact", "The entry's rules go."), fragment)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two effects, in sentences for the person who has to decide again."""
    found = [
        f"{name.replace('_', ' ')}: {before.get(name)} → {after.get(name)}"
        for name in ("risk_rules", "template", "replaces", "entry", "kind", "version")
        if before.get(name) != after.get(name)
    ]
    found += _content_differences(before.get("content", {}), after.get("content", {}))
    return found + _target_differences(before.get("targets", []), after.get("targets", []))


def _content_differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    names = sorted({*before, *after})
    return [
        f"{name.replace('_', ' ')}: {before.get(name)} → {after.get(name)}"
        for name in names
        if before.get(name) != after.get(name)
    ]


def _target_differences(before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> list[str]:
    old = {(one["cluster"], one["namespace"]): one for one in before}
    new = {(one["cluster"], one["namespace"]): one for one in after}
    found = [f"{cluster}/{namespace} is new in scope" for cluster, namespace in new if (cluster, namespace) not in old]
    found += [
        f"{cluster}/{namespace} is no longer in scope" for cluster, namespace in old if (cluster, namespace) not in new
    ]
    for key, one in new.items():
        known = old.get(key)
        if known is None or known == one:
            continue
        changed = ", ".join(sorted(name for name in one if one[name] != known.get(name)))
        found.append(f"{key[0]}/{key[1]} differs in: {changed}")
    return found
