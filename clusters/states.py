"""What a contact tells about a cluster. One table, so that the page, the check and the task cannot disagree."""

from enum import StrEnum

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

#: How a state is shown: tone, icon. Never green unless a recent contact says so.
LOOK = {
    Cluster.State.REGISTERED: ("muted", "hourglass"),
    Cluster.State.CONNECTED: ("success", "check"),
    Cluster.State.UNREACHABLE: ("danger", "plug-connected-x"),
    Cluster.State.REFUSED: ("danger", "lock"),
    Cluster.State.MISMATCH: ("danger", "alert-triangle"),
}

#: Worst first, for lists.
SEVERITY = {
    Cluster.State.MISMATCH: 0,
    Cluster.State.REFUSED: 1,
    Cluster.State.UNREACHABLE: 2,
    Cluster.State.REGISTERED: 4,
    Cluster.State.CONNECTED: 5,
}
STALE_SEVERITY = 3
RETIRED_SEVERITY = 6
