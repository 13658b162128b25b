"""What can go wrong outside, each thing under its own name.

A message of this family may be shown to people and written to logs: the connectors scrub credentials from it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policy.errors import DomainError, Kind


class ConnectorError(DomainError):
    """Something outside did not answer as it should."""

    code = "connector_error"
    kind: ClassVar[Kind] = "unavailable"


class RefusedAddress(ConnectorError):
    """The address policy does not let us connect there; no connection was made."""

    code = "refused_address"
    kind: ClassVar[Kind] = "invalid"


class InvalidCredential(ConnectorError):
    """A certificate, key or token is not usable as it stands; nothing was sent."""

    code = "invalid_credential"
    kind: ClassVar[Kind] = "invalid"


class UnusableName(ConnectorError):
    """A name that no object can bear, and that would mean something else in a request path; nothing was sent."""

    code = "unusable_name"
    kind: ClassVar[Kind] = "invalid"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what was given, and the path of the field that it is about."""

    field: str
    message: str


class InvalidAccess(ConnectorError):
    """A kubeconfig or a registration form was refused; ``problems`` names every field at fault."""

    code = "invalid_cluster_access"
    kind: ClassVar[Kind] = "invalid"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        listed = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
        super().__init__(listed, details={"fields": {p.field: p.message for p in problems}})
        self.problems = problems


class Transient(ConnectorError):
    """Trying again later may heal this, without anybody changing anything."""

    code = "transient"


class Unreachable(Transient):
    """No usable connection: refused, no route, no name, or lost on the way."""

    code = "unreachable"


class TimedOut(Unreachable):
    """The other side was too slow; whether it acted on the request is not known."""

    code = "timed_out"


class Throttled(Transient):
    """The other side asked for patience; ``retry_after`` is in seconds, where it said so."""

    code = "throttled"

    def __init__(self, message: str, *, retry_after: float | None, details: dict[str, object] | None = None) -> None:
        super().__init__(message, details=details)
        self.retry_after = retry_after


class ServerFault(Transient):
    """The other side failed by itself (5xx)."""

    code = "server_fault"


class Untrusted(ConnectorError):
    """The other side could not prove who it is; nothing was sent to it."""

    code = "untrusted_server"


class BadReply(ConnectorError):
    """The answer is not one that this protocol allows: a redirect, a wrong type, too much of it."""

    code = "bad_reply"


class CredentialRefused(ConnectorError):
    """The other side does not accept our credential any more (401)."""

    code = "credential_refused"


class Forbidden(ConnectorError):
    """Our credential is known but may not do this (403)."""

    code = "forbidden_by_cluster"


class Missing(ConnectorError):
    """What was asked for is not there (404)."""

    code = "missing_on_cluster"
    kind: ClassVar[Kind] = "missing"


class Gone(ConnectorError):
    """The listing that we were paging through has expired (410)."""

    code = "gone"
    kind: ClassVar[Kind] = "conflict"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause out of a Status: the field path where there is one, the machine-readable reason, the text."""

    field: str
    reason: str
    message: str


class Rejected(ConnectorError):
    """The other side understood the object and does not take it; ``causes`` names the fields."""

    code = "rejected"
    kind: ClassVar[Kind] = "invalid"

    def __init__(
        self, message: str, *, causes: tuple[Cause, ...] = (), details: dict[str, object] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.causes = causes


class Conflict(ConnectorError):
    """What is there is not what the writer thought (409)."""

    code = "conflict_on_cluster"
    kind: ClassVar[Kind] = "conflict"

    def __init__(
        self, message: str, *, causes: tuple[Cause, ...] = (), details: dict[str, object] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.causes = causes


class AlreadyExists(Conflict):
    """An object of that name was there first; it was left as it is."""

    code = "already_exists"


class StaleObject(Conflict):
    """The object changed, went or was recreated since it was read; nothing was written."""

    code = "stale_object"


class StaleGeneration(Conflict):
    """The cluster already holds a newer generation of this object; nothing was written."""

    code = "stale_generation"


class FieldConflict(Conflict):
    """Another manager owns a field that we would change; ``causes`` names the manager and the field."""

    code = "field_conflict"


class NamespaceTerminating(Conflict):
    """The namespace is going away and takes no new objects."""

    code = "namespace_terminating"


class NotOurs(Conflict):
    """The object belongs to somebody else; it was not touched."""

    code = "not_ours"


class CannotOpen(ConnectorError):
    """A sealed credential does not open here: another row, another key, or changed bytes."""

    code = "cannot_open_credential"
