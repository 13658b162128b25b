"""What can go wrong with messages."""

from policy.errors import DomainError


class UnknownNotification(DomainError):
    """There is no such message for this person."""

    code = "not_found"
    kind = "missing"
