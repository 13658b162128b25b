"""What a contact tells about a cluster. One table, so that the page, the check and the task cannot disagree."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from clusters.models import Cluster


class Outcome(StrEnum):
    """How a contact ended."""

    ANSWERED = "answered"
    LIMITED = "limited"
    NO_ANSWER = "no-answer"
    REFUSED = "refused"
    UNTRUSTED = "untrusted"
    STRANGER = "stranger"


#: ``LIMITED``: it answered, and some of what we need is forbidden. That is still a connection.
STATE_AFTER = {
    Outcome.ANSWERED: Cluster.State.CONNECTED,
    Outcome.LIMITED: Cluster.State.CONNECTED,
    Outcome.NO_ANSWER: Cluster.State.UNREACHABLE,
    Outcome.REFUSED: Cluster.State.REFUSED,
    Outcome.UNTRUSTED: Cluster.State.UNREACHABLE,
    Outcome.STRANGER: Cluster.State.MISMATCH,
}


#: How the verdict of a contact begins that was answered, but not in everything.
LIMITED_VERDICT = "Connected, with limits"


class Look(NamedTuple):
    """How a state is shown: tone, icon, word, and why."""

    tone: str
    icon: str
    word: str
    reason: str


_TONES = {
    Cluster.State.REGISTERED: ("muted", "clock"),
    Cluster.State.CONNECTED: ("success", "circle-check"),
    Cluster.State.UNREACHABLE: ("danger", "circle-x"),
    Cluster.State.REFUSED: ("danger", "lock"),
    Cluster.State.MISMATCH: ("danger", "alert-triangle"),
}


def look_of(cluster: Cluster, *, at: datetime) -> Look:
    """Green is only what answered a short time ago; what is not known is shown as such, and why."""
    if cluster.retired_at is not None:
        return Look("muted", "door-exit", _("Retired"), "")
    tone, icon = _TONES[Cluster.State(cluster.state)]
    if cluster.state == Cluster.State.CONNECTED and cluster.is_silent(at):
        return Look("warning", "help-circle", _("Not known"), _("It answered last, but too long ago to rely on."))
    if cluster.state == Cluster.State.CONNECTED and cluster.state_reason.startswith(LIMITED_VERDICT):
        return Look("warning", "alert-triangle", _("Connected, with limits"), cluster.state_reason)
    reason = "" if cluster.state == Cluster.State.CONNECTED else cluster.state_reason
    return Look(tone, icon, str(cluster.get_state_display()), reason)
