"""What can go wrong with observed egress, each thing under its own name."""

from typing import ClassVar

from policy.errors import DomainError, Kind


class SourceForbidden(DomainError):
    """Only those who run the fleet decide who may send flow records."""

    code = "flow_source_forbidden"
    kind: ClassVar[Kind] = "forbidden"


class SourceMissing(DomainError):
    code = "flow_source_missing"
    kind: ClassVar[Kind] = "missing"


class SourceNameTaken(DomainError):
    code = "flow_source_name_taken"
    kind: ClassVar[Kind] = "conflict"


class SourceRevoked(DomainError):
    """The source was revoked while its batch was under way; nothing of it was kept."""

    code = "flow_source_revoked"
    kind: ClassVar[Kind] = "forbidden"


class InvalidSource(DomainError):
    code = "invalid_flow_source"


class InvalidBatchId(DomainError):
    code = "invalid_batch_id"


class BatchIdReused(DomainError):
    """The id belongs to a batch with another content: taken for a repetition, this one would be lost in silence."""

    code = "batch_id_reused"
    kind: ClassVar[Kind] = "conflict"


class BodyTooLarge(DomainError):
    code = "body_too_large"


class TooManyLines(DomainError):
    code = "too_many_lines"


class UnreadableBody(DomainError):
    code = "unreadable_body"
