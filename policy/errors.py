"""The errors of the language, each named for what happened and each with a stable code."""

from typing import ClassVar, Literal

Kind = Literal["invalid", "forbidden", "missing", "conflict", "unavailable"]


class DomainError(Exception):
    """What callers may show to a person: a stable ``code``, a ``kind``, a sentence and serialisable details."""

    code: str = "error"
    kind: ClassVar[Kind] = "invalid"

    def __init__(self, message: str, *, details: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, object] = details or {}


class InvalidName(DomainError):
    """A text that is no domain name; ``code`` says which rule it breaks."""

    code = "invalid_name"

    def __init__(self, message: str, *, code: str = "invalid_name", details: dict[str, object] | None = None) -> None:
        super().__init__(message, details=details)
        self.code = code


class InvalidDestination(DomainError):
    """A text that is no canonical destination; ``details["canonical"]`` offers the right form where there is one."""

    code = "invalid_destination"


class InvalidPorts(DomainError):
    code = "invalid_ports"


class InvalidSelector(DomainError):
    code = "invalid_selector"


class InvalidScope(DomainError):
    code = "invalid_scope"


class InvalidEntry(DomainError):
    code = "invalid_entry"


class InvalidCapabilities(DomainError):
    code = "invalid_capabilities"


class UnknownDialect(DomainError):
    code = "unknown_dialect"


class UnknownTemplate(DomainError):
    code = "unknown_template"
    kind: ClassVar[Kind] = "missing"


class DuplicatePassport(DomainError):
    """Two different entries carry one passport: no log line could be joined back to one of them."""

    code = "duplicate_passport"
    kind: ClassVar[Kind] = "conflict"
