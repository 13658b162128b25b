"""What an API server's answer means: the object in it, or an error named for what happened."""

from __future__ import annotations

from typing import Any

import orjson

from connectors.errors import (
    AlreadyExists,
    BadReply,
    Cause,
    ConnectorError,
    CredentialRefused,
    FieldConflict,
    Forbidden,
    Gone,
    Missing,
    NamespaceTerminating,
    Rejected,
    ServerFault,
    StaleObject,
    Throttled,
)
from connectors.http import Reply, Scrubber

Object = dict[str, Any]

_MAX_CAUSES = 100
_MAX_RETRY_AFTER = 3600.0


def read_object(reply: Reply, *, scrub: Scrubber) -> Object:
    """The JSON object of a successful answer; anything else raises an error of the family."""
    if reply.status >= 400:
        raise read_error(reply, scrub=scrub)
    return _json_object(reply)


def _json_object(reply: Reply) -> Object:
    if reply.media_type != "application/json":
        raise BadReply("The server did not answer with JSON; is this an API server?", details={"status": reply.status})
    try:
        content = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise BadReply("The server's answer is not valid JSON", details={"status": reply.status}) from None
    if not isinstance(content, dict):
        raise BadReply("The server's answer is not an object", details={"status": reply.status})
    return content


def retry_after(reply: Reply) -> float | None:
    """Seconds that the server asks us to wait; only the plain number form counts."""
    text = reply.headers.get("retry-after", "").strip()
    return min(float(text), _MAX_RETRY_AFTER) if text.isascii() and text.isdigit() and len(text) < 9 else None


def read_error(reply: Reply, *, scrub: Scrubber) -> ConnectorError:
    """The error that a failed answer stands for, with its texts scrubbed of our credentials."""
    status = _status_of(reply)
    reason = scrub(str(status.get("reason") or ""), limit=80)
    message = scrub(str(status.get("message") or f"The server answered {reply.status}"))
    causes = _causes(status, scrub=scrub) or _causes_in_text(message)
    details: dict[str, object] = {"status": reply.status, "reason": reason}
    if causes:
        details["causes"] = [{"field": c.field, "reason": c.reason, "message": c.message} for c in causes]
    if reply.status == 429:
        return Throttled(message, retry_after=retry_after(reply), details=details)
    if reply.status in {400, 405, 413, 415, 422} or _is_refusal_in_disguise(reply.status, message):
        return Rejected(message, causes=causes, details=details)
    if reply.status == 409 or any(cause.reason == "NamespaceTerminating" for cause in causes):
        return _conflict(reason, message, causes, details)
    simple: dict[int, type[ConnectorError]] = {401: CredentialRefused, 403: Forbidden, 404: Missing, 410: Gone}
    family = simple.get(reply.status, ServerFault if reply.status >= 500 else BadReply)
    return family(message, details=details)


def _status_of(reply: Reply) -> Object:
    """The Status object of an error; a proxy in between may answer with anything, which is then no Status."""
    try:
        content = _json_object(reply)
    except BadReply:
        return {}
    return content if content.get("kind") == "Status" else {}


def _is_refusal_in_disguise(code: int, message: str) -> bool:
    """Whether the object is at fault although the code says otherwise: webhooks deny with 403 by default, and an
    apply that does not fit the schema answers 500."""
    if code == 403:
        return message.startswith("admission webhook ")
    return code == 500 and message.startswith("failed to create typed patch object")


def _conflict(
    reason: str, message: str, causes: tuple[Cause, ...], details: dict[str, object]
) -> AlreadyExists | FieldConflict | StaleObject | NamespaceTerminating:
    named = {cause.reason for cause in causes}
    if "NamespaceTerminating" in named:
        return NamespaceTerminating(message, causes=causes, details=details)
    if reason == "AlreadyExists":
        return AlreadyExists(message, causes=causes, details=details)
    if "FieldManagerConflict" in named:
        return FieldConflict(message, causes=causes, details=details)
    return StaleObject(message, causes=causes, details=details)


def _causes(status: Object, *, scrub: Scrubber) -> tuple[Cause, ...]:
    details = status.get("details")
    listed = details.get("causes") if isinstance(details, dict) else None
    if not isinstance(listed, list):
        return ()
    return tuple(
        Cause(
            field=scrub(str(one.get("field") or ""), limit=300),
            reason=scrub(str(one.get("reason") or ""), limit=80),
            message=scrub(str(one.get("message") or ""), limit=1000),
        )
        for one in listed[:_MAX_CAUSES]
        if isinstance(one, dict)
    )


def _causes_in_text(message: str) -> tuple[Cause, ...]:
    """The fields that strict decoding and typed patches name in their text only."""
    causes = []
    for part in message.split('unknown field "')[1:]:
        causes.append(Cause(part.partition('"')[0], "FieldValueUnknown", "this field is not known"))
    head, found, _ = message.partition(": field not declared in schema")
    if found:
        causes.append(Cause(head.rpartition(" ")[2].lstrip("."), "FieldValueUnknown", "this field is not known"))
    return tuple(causes[:_MAX_CAUSES])
