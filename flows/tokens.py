"""Tokens of flow sources: shown once, kept as a keyed digest, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

from django.conf import settings

from flows.models import FlowSource

_MARK = "spf_"
_PREFIX_LENGTH = 12
_SECRET_BYTES = 32
_MAX_LENGTH = 100
_NOBODY = "0" * 64


class NewToken(NamedTuple):
    secret: str
    prefix: str
    digest: str


def new_token() -> NewToken:
    """A token of 256 random bits; its first characters may be shown, so that people can tell tokens apart."""
    secret = _MARK + secrets.token_urlsafe(_SECRET_BYTES)
    return NewToken(secret, secret[:_PREFIX_LENGTH], _digest(secret, settings.SECRET_KEY))


def source_of(secret: str) -> FlowSource | None:
    """The active source that the token belongs to; the answer takes as long for a wrong token as for an unknown one."""
    if not secret.startswith(_MARK) or len(secret) > _MAX_LENGTH or not secret.isascii() or not secret.isprintable():
        return None
    digests = [_digest(secret, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    alike = list(
        FlowSource.objects.active().filter(token_prefix=secret[:_PREFIX_LENGTH]).select_related("cluster__environment")
    )
    found = None
    for kept in [*alike, None]:
        for digest in digests:
            is_match = hmac.compare_digest(digest, kept.token_digest if kept else _NOBODY)
            found = kept if is_match and kept is not None else found
    return found


def _digest(secret: str, key: str) -> str:
    """Keyed, so that a copy of the table cannot be tried against guesses."""
    own_key = hashlib.sha256(b"sallyport flow source token" + key.encode()).digest()
    return hmac.new(own_key, secret.encode(), hashlib.sha256).hexdigest()
