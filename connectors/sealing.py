"""Credentials sealed by whoever takes them in, to be opened only where they are used.

The web process knows public keys and can only seal; the pushing process holds the private keys. HPKE (RFC 9180) with
X25519, HKDF-SHA256 and AES-256-GCM; the identity of the row goes into the key schedule, so that a sealed credential
copied to another row does not open there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn, SupportsIndex

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from connectors.errors import CannotOpen, InvalidCredential

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE = b"sallyport credential v1"
_PUBLIC_PREFIX, _PRIVATE_PREFIX, _SEALED_PREFIX = "sp-pub-", "sp-key-", "sp1"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Seals. Its id travels with each sealed text, so that rotation knows which rows are still under the old key."""

    raw: bytes

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"sallyport key id" + self.raw).hexdigest()[:12]

    def text(self) -> str:
        return _PUBLIC_PREFIX + _encode(self.raw)

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        return cls(_key_bytes(text, prefix=_PUBLIC_PREFIX))


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Opens what was sealed for its public half. ``repr`` and pickling do not show it; only ``text`` does."""

    raw: bytes = field(repr=False)

    @property
    def public(self) -> PublicKey:
        return PublicKey(X25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw())

    @property
    def key_id(self) -> str:
        return self.public.key_id

    def text(self) -> str:
        return _PRIVATE_PREFIX + _encode(self.raw)

    @classmethod
    def from_text(cls, text: str) -> PrivateKey:
        return cls(_key_bytes(text, prefix=_PRIVATE_PREFIX))

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A private key cannot be pickled")


class KeyRing:
    """The private keys that may still be needed, by id: the present one and those it replaced."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[PrivateKey]) -> None:
        self._keys = {key.key_id: key for key in keys}

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> KeyRing:
        return cls(PrivateKey.from_text(text) for text in texts)

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(self._keys)

    def get(self, key_id: str) -> PrivateKey:
        try:
            return self._keys[key_id]
        except KeyError:
            raise CannotOpen(
                "The key that this credential was sealed for is not here", details={"key_id": key_id}
            ) from None

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(sorted(self._keys))})"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A key ring cannot be pickled")


def generate_key_pair() -> tuple[PublicKey, PrivateKey]:
    """A fresh pair: the first half for everybody who takes credentials in, the second for the pushing process alone."""
    private = PrivateKey(X25519PrivateKey.generate().private_bytes_raw())
    return private.public, private


def seal(public_key: PublicKey, plain: bytes, *, row: str) -> str:
    """Seal ``plain`` for the holder of the private half, bound to ``row``; the result is plain ASCII for a column."""
    sealed = _SUITE.encrypt(
        plain, X25519PublicKey.from_public_bytes(public_key.raw), info=_info(public_key.key_id, row)
    )
    return ".".join((_SEALED_PREFIX, public_key.key_id, _encode(sealed)))


def open_sealed(ring: KeyRing, sealed: str, *, row: str) -> bytes:
    """The plain text that was sealed for ``row``; raises ``CannotOpen`` for any other row, key or changed byte."""
    key_id = sealed_key_id(sealed)
    key = ring.get(key_id)
    try:
        ciphertext = _decode(sealed.rsplit(".", 1)[1])
        return _SUITE.decrypt(ciphertext, X25519PrivateKey.from_private_bytes(key.raw), info=_info(key_id, row))
    except (InvalidTag, ValueError):
        raise CannotOpen("The stored credential does not open for this row", details={"key_id": key_id}) from None


def sealed_key_id(sealed: str) -> str:
    """Which key a sealed text needs; known without opening it, so that a rotation can find its rows."""
    parts = sealed.split(".")
    if len(parts) != 3 or parts[0] != _SEALED_PREFIX:
        raise CannotOpen("This is not a sealed credential")
    return parts[1]


def reseal(ring: KeyRing, sealed: str, *, row: str, public_key: PublicKey) -> str:
    """The same secret under another key; what is under that key already comes back unchanged."""
    if sealed_key_id(sealed) == public_key.key_id:
        return sealed
    return seal(public_key, open_sealed(ring, sealed, row=row), row=row)


def _info(key_id: str, row: str) -> bytes:
    """Length-prefixed parts: no two (purpose, key, row) can ever run together to the same bytes."""
    parts = (_PURPOSE, key_id.encode(), row.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    try:
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if _encode(raw) != text:
        raise ValueError("not canonical base64")
    return raw


def _key_bytes(text: str, *, prefix: str) -> bytes:
    stripped = text.strip()
    try:
        raw = _decode(stripped.removeprefix(prefix))
    except ValueError:
        raw = b""
    if not stripped.startswith(prefix) or len(raw) != _KEY_BYTES:
        raise InvalidCredential(f"A key begins with {prefix} and holds {_KEY_BYTES} bytes in base64")
    return raw
