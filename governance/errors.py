"""What can go wrong on the way of a request, each named for what happened."""

from typing import ClassVar

from policy.errors import DomainError, Kind


class UnknownRequest(DomainError):
    code = "unknown_request"
    kind: ClassVar[Kind] = "missing"


class UnknownTeam(DomainError):
    code = "unknown_team"
    kind: ClassVar[Kind] = "missing"


class MayNotRequest(DomainError):
    code = "may_not_request"
    kind: ClassVar[Kind] = "forbidden"


class MayNotDecide(DomainError):
    """The account holds none of the roles that the request needs."""

    code = "may_not_decide"
    kind: ClassVar[Kind] = "forbidden"


class OwnRequest(DomainError):
    """Four eyes: the person behind the account asked for this or edited it last."""

    code = "own_request"
    kind: ClassVar[Kind] = "forbidden"


class InvalidTransition(DomainError):
    """The request is in a state in which this cannot be done."""

    code = "invalid_transition"
    kind: ClassVar[Kind] = "conflict"


class StaleRevision(DomainError):
    """The request was edited since the caller read it; the details say who changed what."""

    code = "stale_revision"
    kind: ClassVar[Kind] = "conflict"


class EffectChanged(DomainError):
    """The same text would do something else now than what was shown; approvals were voided, the details tell why."""

    code = "effect_changed"
    kind: ClassVar[Kind] = "conflict"


class AlreadyApproved(DomainError):
    """The same person approved already, through another account."""

    code = "already_approved"
    kind: ClassVar[Kind] = "conflict"


class NothingLeftToApprove(DomainError):
    """Every approval in the roles of this account is there already."""

    code = "nothing_left_to_approve"
    kind: ClassVar[Kind] = "conflict"


class OpenRequestExists(DomainError):
    """Another request for a change of the same entry is still open."""

    code = "open_request_exists"
    kind: ClassVar[Kind] = "conflict"


class EntryNotInForce(DomainError):
    """Only what is in force can be changed, renewed or revoked."""

    code = "entry_not_in_force"
    kind: ClassVar[Kind] = "conflict"


class NotSubmittable(DomainError):
    """The proposal cannot be put to review; ``details["problems"]`` names every reason."""

    code = "not_submittable"


class InvalidRequest(DomainError):
    """Parts of the call do not fit together, such as a renewal that changes the destination."""

    code = "invalid_request"


class InvalidDecision(DomainError):
    """A decision lacks what it must say, such as a rejection without its rule."""

    code = "invalid_decision"
