"""What can go wrong around entries, each named for what happened."""

from typing import ClassVar

from policy.errors import DomainError, Kind


class InvalidProposal(DomainError):
    """What was typed cannot be read; ``details["fields"]`` maps each field to its messages."""

    code = "invalid_proposal"

    def __init__(self, fields: dict[str, list[str]], *, canonical: dict[str, str] | None = None) -> None:
        super().__init__("Some fields need another value.", details={"fields": fields, "canonical": canonical or {}})
        self.fields = fields
        self.canonical = canonical or {}


class MayNotEnrol(DomainError):
    code = "may_not_enrol"
    kind: ClassVar[Kind] = "forbidden"


class UnknownEntry(DomainError):
    code = "unknown_entry"
    kind: ClassVar[Kind] = "missing"


class UnknownNamespace(DomainError):
    code = "unknown_namespace"
    kind: ClassVar[Kind] = "missing"


class SupersededRevision(DomainError):
    """A later revision of the entry exists: the earlier one may no longer reach production."""

    code = "superseded_revision"
    kind: ClassVar[Kind] = "conflict"


class NotInForce(DomainError):
    """The entry has ended or was revoked: there is nothing to extend."""

    code = "entry_not_in_force"
    kind: ClassVar[Kind] = "conflict"


class InvalidEnd(DomainError):
    code = "invalid_end"


class NoFreePassport(DomainError):
    code = "no_free_passport"
    kind: ClassVar[Kind] = "unavailable"
