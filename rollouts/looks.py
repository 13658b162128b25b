"""How states are shown: tone and word, in one place for pages and fragments."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from allowlist.models import EntryRevision
from rollouts.models import DriftFinding, NamespacePush, Rollout, RolloutTarget


class Look(NamedTuple):
    tone: str
    word: object


ROLLOUT_TONES = {
    Rollout.State.NON_PRODUCTION: "info",
    Rollout.State.AWAITING_PROOF: "warning",
    Rollout.State.PROVED: "info",
    Rollout.State.PRODUCTION: "info",
    Rollout.State.COMPLETE: "success",
    Rollout.State.SUPERSEDED: "muted",
}
TARGET_TONES = {
    RolloutTarget.State.WAITING: "muted",
    RolloutTarget.State.WRITTEN: "info",
    RolloutTarget.State.VERIFIED: "success",
    RolloutTarget.State.FAILED: "danger",
    RolloutTarget.State.IMPOSSIBLE: "warning",
}
PUSH_TONES = {
    NamespacePush.State.IDLE: "success",
    NamespacePush.State.DUE: "info",
    NamespacePush.State.CLAIMED: "info",
    NamespacePush.State.FAILED: "danger",
    NamespacePush.State.HELD: "warning",
}
DIFFERENCE_TONES = {
    DriftFinding.Difference.MISSING: "danger",
    DriftFinding.Difference.CHANGED: "danger",
    DriftFinding.Difference.EXTRA: "danger",
    DriftFinding.Difference.FOREIGN: "warning",
}
STANDING_LOOKS = {
    "in-force": Look("success", _("In force")),
    "missing": Look("danger", _("Missing")),
    "unknown": Look("warning", _("Not known")),
}
VERDICT_LOOKS = {
    "allowed": Look("success", _("Allowed")),
    "denied": Look("danger", _("Denied")),
    "unknown": Look("warning", _("Not known")),
}


def look_of(thing: Rollout | RolloutTarget | NamespacePush | DriftFinding) -> Look:
    """The tone and the word of the thing's state."""
    if isinstance(thing, Rollout):
        return _look_of_rollout(thing)
    if isinstance(thing, RolloutTarget):
        return Look(TARGET_TONES[RolloutTarget.State(thing.state)], thing.get_state_display())
    if isinstance(thing, NamespacePush):
        return Look(PUSH_TONES[NamespacePush.State(thing.state)], thing.get_state_display())
    return Look(DIFFERENCE_TONES[DriftFinding.Difference(thing.difference)], thing.get_difference_display())


def _look_of_rollout(rollout: Rollout) -> Look:
    """What was complete once may have been replaced since, and a complete revocation is nowhere in force."""
    if rollout.state == Rollout.State.COMPLETE:
        revision, entry = rollout.revision, rollout.revision.entry
        if revision.pk not in {entry.in_non_production_id, entry.in_production_id}:
            return Look("muted", _("Complete, replaced since"))
        if revision.kind == EntryRevision.Kind.REVOCATION:
            return Look("success", _("Gone everywhere in scope"))
    return Look(ROLLOUT_TONES[Rollout.State(rollout.state)], rollout.get_state_display())
