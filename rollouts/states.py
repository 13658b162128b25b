"""How a rollout moves: one table for the diagram, the buttons and the check."""

from rollouts.errors import NotPossibleNow
from rollouts.models import Rollout

State = Rollout.State

TRANSITIONS: dict[tuple[str, str], str] = {
    ("reach-non-production", State.NON_PRODUCTION): State.AWAITING_PROOF,
    ("confirm", State.AWAITING_PROOF): State.PROVED,
    ("promote", State.PROVED): State.PRODUCTION,
    ("finish", State.PRODUCTION): State.COMPLETE,
    # Nothing of the scope lies in production.
    ("finish", State.NON_PRODUCTION): State.COMPLETE,
    # A production target came into scope after the revision had reached all that there was.
    ("reopen", State.COMPLETE): State.AWAITING_PROOF,
    ("supersede", State.NON_PRODUCTION): State.SUPERSEDED,
    ("supersede", State.AWAITING_PROOF): State.SUPERSEDED,
    ("supersede", State.PROVED): State.SUPERSEDED,
    ("supersede", State.PRODUCTION): State.SUPERSEDED,
}


def next_state(action: str, state: str) -> str:
    """The state after the action; raises ``NotPossibleNow`` where the table has no such step."""
    try:
        return TRANSITIONS[action, state]
    except KeyError:
        message = f"“{action}” is not possible while the rollout is in “{State(state).label}”."
        raise NotPossibleNow(message, details={"action": action, "state": str(state)}) from None


def may(action: str, state: str) -> bool:
    return (action, state) in TRANSITIONS
