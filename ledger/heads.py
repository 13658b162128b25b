"""Heads of the chain, signed, to be kept where whoever can write to the database cannot."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.utils import timezone

from ledger.models import LedgerEntry
from ledger.services import BEFORE_THE_FIRST
from policy.errors import DomainError


class UnusableKey(DomainError):
    """The signing key is not the base64 of 32 bytes."""

    code = "unusable_ledger_key"


class ForgedHead(DomainError):
    """An exported head that is malformed, or not signed by the key that it should be signed by."""

    code = "forged_ledger_head"


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry at an instant: all entries up to it can be checked against it for ever."""

    sequence: int
    hash: str
    at: str

    @property
    def message(self) -> bytes:
        """What is signed: canonical JSON, so that any program can check it."""
        return orjson.dumps({"at": self.at, "hash": self.hash, "sequence": self.sequence}, option=orjson.OPT_SORT_KEYS)


def current_head() -> Head:
    last = LedgerEntry.objects.order_by("-sequence").only("sequence", "hash").first()
    at = timezone.now().isoformat()
    return Head(last.sequence, last.hash, at) if last else Head(0, BEFORE_THE_FIRST, at)


def export(head: Head, *, key: str = "") -> dict[str, object]:
    """The head as a document; with a key also its signature and the public key that checks it."""
    document: dict[str, object] = {"sequence": head.sequence, "hash": head.hash, "at": head.at}
    if key:
        private = _private_key(key)
        document["signature"] = base64.b64encode(private.sign(head.message)).decode()
        document["public_key"] = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    return document


def read_export(text: str | bytes, *, public_key: str = "") -> Head:
    """The head in an exported document; with a public key, only if that key signed it."""
    try:
        document = orjson.loads(text)
        head = Head(int(document["sequence"]), str(document["hash"]), str(document["at"]))
        if public_key:
            verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
            verifier.verify(base64.b64decode(document["signature"], validate=True), head.message)
    except InvalidSignature as error:
        raise ForgedHead("The head is not signed by this key.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ForgedHead("This is no exported head, or it is not signed.") from error
    return head


def _private_key(key: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(key, validate=True))
    except (ValueError, binascii.Error) as error:
        raise UnusableKey("SALLYPORT_LEDGER_KEY must be the base64 of 32 bytes.") from error
