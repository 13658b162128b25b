"""The life of a request in one table: the diagram, the buttons and the check cannot disagree."""

from __future__ import annotations

from governance.errors import InvalidTransition
from governance.models import EgressRequest

_State = EgressRequest.State

# (action, state) -> the state after it. An approval that is not the last one leaves the request in review.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("edit", _State.DRAFT): _State.DRAFT,
    ("edit", _State.IN_REVIEW): _State.IN_REVIEW,
    ("edit", _State.CHANGES_REQUESTED): _State.CHANGES_REQUESTED,
    ("submit", _State.DRAFT): _State.IN_REVIEW,
    ("submit", _State.CHANGES_REQUESTED): _State.IN_REVIEW,
    ("cover", _State.DRAFT): _State.COVERED,
    ("cover", _State.IN_REVIEW): _State.COVERED,
    ("cover", _State.CHANGES_REQUESTED): _State.COVERED,
    ("approve", _State.IN_REVIEW): _State.APPROVED,
    ("reject", _State.IN_REVIEW): _State.REJECTED,
    ("request-changes", _State.IN_REVIEW): _State.CHANGES_REQUESTED,
    ("withdraw", _State.DRAFT): _State.WITHDRAWN,
    ("withdraw", _State.IN_REVIEW): _State.WITHDRAWN,
    ("withdraw", _State.CHANGES_REQUESTED): _State.WITHDRAWN,
    ("lapse", _State.IN_REVIEW): _State.LAPSED,
    ("lapse", _State.CHANGES_REQUESTED): _State.LAPSED,
}
ACTIONS: tuple[str, ...] = tuple(dict.fromkeys(action for action, _ in TRANSITIONS))


def next_state(action: str, state: str) -> str:
    """The state after the action, or ``InvalidTransition`` that names both."""
    try:
        return TRANSITIONS[action, state]
    except KeyError:
        label = _State(state).label
        raise InvalidTransition(
            f"The request is “{label}”: {action.replace('-', ' ')} is not possible any more.",
            details={"action": action, "state": state},
        ) from None


def actions_in(state: str) -> tuple[str, ...]:
    """What may be done in the state, whoever may do it."""
    return tuple(action for action in ACTIONS if (action, state) in TRANSITIONS)
