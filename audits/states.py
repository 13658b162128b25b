"""How a campaign moves: it opens once and closes once."""

from audits.errors import CampaignClosed
from audits.models import Campaign

TRANSITIONS: dict[tuple[str, str], str] = {
    ("decide", Campaign.State.OPEN): Campaign.State.OPEN,
    ("close", Campaign.State.OPEN): Campaign.State.CLOSED,
}


def next_state(action: str, state: str) -> str:
    """The state after the action; raises ``CampaignClosed`` where the table has no such step."""
    try:
        return TRANSITIONS[action, state]
    except KeyError:
        raise CampaignClosed("The campaign is closed.", details={"action": action, "state": str(state)}) from None
