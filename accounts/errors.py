"""What can go wrong with people, teams and tokens."""

from __future__ import annotations

from policy.errors import DomainError


class NotPermitted(DomainError):
    """The actor's account does not carry the right."""

    code = "not_permitted"
    kind = "forbidden"


class NotFound(DomainError):
    """No such person, team or token, or none that the actor may know of."""

    code = "not_found"
    kind = "missing"


class InvalidText(DomainError):
    """A text that is empty, too long, or made of characters that deceive."""

    code = "invalid_text"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, details={"fields": {field: [message]}})


class InvalidAccount(DomainError):
    """A field of an account, a team or a token that cannot be accepted; ``details["fields"]`` names it."""

    code = "invalid_account"

    def __init__(self, message: str, *, field: str, messages: list[str] | None = None) -> None:
        super().__init__(message, details={"fields": {field: messages or [message]}})


class AlreadyTaken(DomainError):
    """Another account or team has this address or slug."""

    code = "already_taken"
    kind = "conflict"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, details={"fields": {field: [message]}})


class AccountDisabled(DomainError):
    """A disabled account takes no rights until somebody enables it again."""

    code = "account_disabled"
    kind = "conflict"


class LastAdministrator(DomainError):
    """Without this account nobody could administer the installation."""

    code = "last_administrator"
    kind = "conflict"


class TooManyTokens(DomainError):
    """The account carries as many tokens as one account may."""

    code = "too_many_tokens"
    kind = "conflict"
