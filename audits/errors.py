"""What can stand in the way of a review, each named for what happened."""

from typing import ClassVar

from policy.errors import DomainError, Kind


class UnknownCampaign(DomainError):
    code = "unknown_campaign"
    kind: ClassVar[Kind] = "missing"


class UnknownRow(DomainError):
    """No such row, or none that the actor may see."""

    code = "unknown_campaign_row"
    kind: ClassVar[Kind] = "missing"


class CampaignClosed(DomainError):
    """The campaign takes no more decisions."""

    code = "campaign_closed"
    kind: ClassVar[Kind] = "conflict"


class NotYetOver(DomainError):
    """Before the deadline a campaign is closed by a person only."""

    code = "campaign_not_over"
    kind: ClassVar[Kind] = "conflict"


class MayNotDecide(DomainError):
    code = "may_not_decide_row"
    kind: ClassVar[Kind] = "forbidden"


class MayNotClose(DomainError):
    code = "may_not_close_campaign"
    kind: ClassVar[Kind] = "forbidden"


class OwnEntry(DomainError):
    """Four eyes: whoever asked for the entry cannot be the one who keeps it."""

    code = "own_entry"
    kind: ClassVar[Kind] = "forbidden"


class InvalidDecision(DomainError):
    """A decision lacks what it must say; ``details["field"]`` names it."""

    code = "invalid_row_decision"
