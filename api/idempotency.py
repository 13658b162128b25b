"""The same unsafe call sent twice under one ``Idempotency-Key`` happens once and is answered twice.

The answer is stored in the transaction of the call itself. A process killed before its commit has done nothing; one
killed after it has stored the answer, so that the caller who repeats the call learns how it went.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from api.models import IdempotentCall
from policy.errors import DomainError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 200
KEPT_FOR = timedelta(hours=24)
# What is shown once and never again: a replayed answer has null in its place, and the database never held it.
SHOWN_ONCE = ("secret",)


class InvalidKey(DomainError):
    """A key that cannot serve as one."""

    code = "invalid_idempotency_key"


class KeyReused(DomainError):
    """The key belongs to another call."""

    code = "idempotency_key_reused"


class StillRunning(DomainError):
    """The first call under this key has not finished; repeat a little later."""

    code = "idempotency_in_progress"
    kind = "conflict"


def answer_once(request: Request, *, key: str, handler: Callable[[], Response]) -> Response:
    """Run the handler and store its answer, or give the answer stored before.

    A call that fails is undone and not stored: it may be repeated under the same key.
    """
    _check_key(key)
    fingerprint = fingerprint_of(request)
    with transaction.atomic():
        _hold(request, key)
        now = timezone.now()
        stored = _stored(request, key, since=now - KEPT_FOR)
        if stored is not None:
            return _replay(stored, fingerprint)
        response = handler()
        if response.status_code >= 500:
            transaction.set_rollback(True)
        else:
            _store(request, key=key, fingerprint=fingerprint, response=response, at=now)
        return response


def fingerprint_of(request: Request) -> str:
    """What makes two calls the same: method, address with its query, and the bytes of the body."""
    digest = hashlib.sha256()
    for part in (str(request.method).encode(), request.get_full_path().encode(), request._request.body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def forget_calls(*, before: datetime) -> int:
    """Delete the answers older than the instant; returns how many."""
    return IdempotentCall.objects.filter(made_at__lt=before).delete()[0]


def _check_key(key: str) -> None:
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidKey(f"The key must be 1 to {LONGEST_KEY} printable ASCII characters.")


def _hold(request: Request, key: str) -> None:
    """Only one call under a key runs at a time; the second does not wait, so that no worker is tied up by it."""
    digest = hashlib.sha256(f"{caller(request).pk} {key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)])
        (held,) = cursor.fetchone()
    if not held:
        raise StillRunning("The first call under this key is still running.")


def _stored(request: Request, key: str, *, since: datetime) -> IdempotentCall | None:
    call = IdempotentCall.objects.filter(user_id=caller(request).pk, key=key).first()
    if call is not None and call.made_at < since:
        call.delete()
        return None
    return call


def _replay(call: IdempotentCall, fingerprint: str) -> Response:
    if call.fingerprint != fingerprint:
        raise KeyReused("The key was used for another call.")
    return Response(call.body, status=call.status, headers={REPLAYED: "true"})


def _store(request: Request, *, key: str, fingerprint: str, response: Response, at: datetime) -> None:
    IdempotentCall.objects.create(
        user_id=caller(request).pk,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        body=_without_secrets(json.loads(JSONRenderer().render(response.data) or b"null")),
        made_at=at,
    )


def _without_secrets(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: None if name in SHOWN_ONCE else value for name, value in body.items()}
    return body
