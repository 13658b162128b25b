"""The stages of a rollout as a person follows them, told from its state and its targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext as _

from clusters.models import Tier
from rollouts.models import Rollout, RolloutTarget

Standing = Literal["done", "current", "ahead"]
ORDER = (
    Rollout.State.NON_PRODUCTION,
    Rollout.State.AWAITING_PROOF,
    Rollout.State.PROVED,
    Rollout.State.PRODUCTION,
    Rollout.State.COMPLETE,
)
TONES: dict[Standing, str] = {"done": "success", "current": "info", "ahead": "muted"}


@dataclass(frozen=True, slots=True)
class Stage:
    """One step, whether it is behind, present or ahead, and how far it is."""

    name: str
    standing: Standing
    detail: str
    at: datetime | None = None

    @property
    def tone(self) -> str:
        return TONES[self.standing]

    @property
    def word(self) -> str:
        return {"done": _("Done"), "current": _("Now"), "ahead": _("Ahead")}[self.standing]


def stages_of(rollout: Rollout, targets: list[RolloutTarget]) -> list[Stage]:
    """Approved, non-production, proof, promotion, production, in that order."""
    proof = getattr(rollout, "proof", None)
    confirmed = _("Confirmed by %(who)s.") % {"who": proof.confirmed_by} if proof else _("A named person confirms it.")
    promoted = _("By %(who)s.") % {"who": rollout.promoted_by} if rollout.promoted_by else ""
    reached = _reached(rollout)
    plan = [
        (_("Approved"), -1, "", rollout.revision.approved_at),
        (_("Non-production"), 0, _counted(targets, Tier.NON_PRODUCTION), None),
        (_("Proof"), 1, confirmed, proof.confirmed_at if proof else None),
        (_("Promotion"), 2, promoted, rollout.promoted_at),
        (_("Production"), 3, _counted(targets, Tier.PRODUCTION), rollout.completed_at),
    ]
    return [Stage(name, _standing(place, reached), detail, at) for name, place, detail, at in plan]


def _reached(rollout: Rollout) -> int:
    if rollout.state == Rollout.State.SUPERSEDED:
        return 0
    return ORDER.index(Rollout.State(rollout.state))


def _standing(place: int, reached: int) -> Standing:
    if place < reached:
        return "done"
    return "current" if place == reached else "ahead"


def _counted(targets: list[RolloutTarget], tier: str) -> str:
    chosen = [target for target in targets if target.tier == tier]
    if not chosen:
        return _("No target in scope.")
    verified = sum(target.state == RolloutTarget.State.VERIFIED for target in chosen)
    impossible = sum(target.state == RolloutTarget.State.IMPOSSIBLE for target in chosen)
    words = _("%(verified)d of %(all)d read back.") % {"verified": verified, "all": len(chosen)}
    return f"{words} {_('%(count)d impossible.') % {'count': impossible}}" if impossible else words
