"""How one cluster is reached: where its API server is, how it proves itself, and the one credential that we hold."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn, SupportsIndex
from urllib.parse import urlsplit

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from connectors.addresses import check_host_name, parse_literal
from connectors.errors import InvalidAccess, InvalidCredential, Problem, RefusedAddress

MAX_PEM_BYTES = 256 << 10
MAX_TOKEN_BYTES = 16 << 10

_PATH_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
_CERTIFICATE_BEGIN = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """An ``https`` address in canonical form; ``path`` is empty or begins with a slash and ends with none."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        literal = parse_literal(self.host)
        shown = f"[{self.host}]" if literal is not None and literal.version == 6 else self.host
        return f"https://{shown}{'' if self.port == 443 else f':{self.port}'}{self.path}"


def parse_server(text: str) -> ServerUrl:
    """Read ``https://host[:port][/prefix]``; raises ``InvalidCredential`` with a readable reason for anything else."""
    if not text or len(text) > 2000 or any(not "!" <= character <= "~" for character in text):
        raise InvalidCredential("must be an https:// address without spaces")
    if not text.startswith("https://"):
        raise InvalidCredential("must begin with https://; an unencrypted connection is never used")
    if set(text) & set("\\@?#%"):
        raise InvalidCredential("must be a plain address, without user, query, fragment or escapes")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidCredential("is not a readable address") from None
    if port == 0 or parts.netloc.endswith(":"):
        raise InvalidCredential("the port must be between 1 and 65535")
    return ServerUrl(host=_canonical_host(host), port=port or 443, path=_canonical_path(parts.path))


def _canonical_host(host: str) -> str:
    literal = parse_literal(host)
    if literal is not None:
        return str(literal)
    try:
        check_host_name(host)
    except RefusedAddress as error:
        raise InvalidCredential(error.message) from None
    return host


def _canonical_path(path: str) -> str:
    trimmed = path.rstrip("/")
    segments = trimmed.split("/")[1:]
    if not set(trimmed) <= _PATH_CHARACTERS or any(segment in {"", ".", ".."} for segment in segments):
        raise InvalidCredential("the path holds something that is not accepted")
    return trimmed


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """Everything needed to reach one API server, with exactly one credential. It never shows its secrets, and it
    does not travel: pickling it, as a task argument would, fails."""

    server: ServerUrl
    ca_pem: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    client_certificate_pem: str | None = field(default=None, repr=False)
    client_key_pem: str | None = field(default=None, repr=False)

    @property
    def method(self) -> str:
        """``token`` or ``client-certificate``."""
        return "token" if self.token is not None else "client-certificate"

    @property
    def fingerprint(self) -> str:
        """A short mark that changes with any part of the access and tells nothing about it."""
        return hashlib.sha256(self.as_bytes()).hexdigest()[:16]

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be seen in a message."""
        return tuple(secret for secret in (self.token, self.client_key_pem) if secret)

    def as_bytes(self) -> bytes:
        """The plain text to be sealed; nothing else may be done with it."""
        return orjson.dumps(
            {
                "server": str(self.server),
                "ca_pem": self.ca_pem,
                "token": self.token,
                "client_certificate_pem": self.client_certificate_pem,
                "client_key_pem": self.client_key_pem,
            }
        )

    @classmethod
    def from_bytes(cls, plain: bytes) -> ClusterAccess:
        """The inverse of ``as_bytes``; the same checks run again."""
        stored = orjson.loads(plain)
        return access_from_fields(
            server=stored["server"],
            ca_pem=stored["ca_pem"],
            token=stored["token"] or "",
            client_certificate_pem=stored["client_certificate_pem"] or "",
            client_key_pem=stored["client_key_pem"] or "",
        )

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A cluster's access cannot be pickled")


@dataclass(frozen=True, slots=True)
class FieldNames:
    """What the person who gave the values calls them, for messages."""

    server: str = "server"
    ca_pem: str = "ca_pem"
    token: str = "token"  # noqa: S105
    client_certificate_pem: str = "client_certificate_pem"
    client_key_pem: str = "client_key_pem"


def access_from_fields(
    *,
    server: str,
    ca_pem: str,
    token: str = "",
    client_certificate_pem: str = "",
    client_key_pem: str = "",
    names: FieldNames | None = None,
) -> ClusterAccess:
    """Check every field and return the access; raises ``InvalidAccess`` that names each field at fault."""
    called = names or FieldNames()
    problems: list[Problem] = []
    url = _checked_server(server.strip(), name=called.server, problems=problems)
    authority = _checked_ca(ca_pem.strip(), name=called.ca_pem, problems=problems)
    token, certificate, key = token.strip(), client_certificate_pem.strip(), client_key_pem.strip()
    if token and (certificate or key):
        problems.append(Problem(called.token, "give a token or a client certificate, not both"))
    elif token:
        problems.extend(_token_problems(token, name=called.token))
    elif certificate or key:
        problems.extend(_certificate_problems(certificate, key, names=called))
    else:
        problems.append(Problem(called.token, "a token or a client certificate with its key is needed"))
    if problems or url is None:
        raise InvalidAccess(tuple(problems))
    return ClusterAccess(
        server=url,
        ca_pem=authority,
        token=token or None,
        client_certificate_pem=f"{certificate}\n" if certificate else None,
        client_key_pem=f"{key}\n" if key else None,
    )


def _checked_server(text: str, *, name: str, problems: list[Problem]) -> ServerUrl | None:
    try:
        return parse_server(text)
    except InvalidCredential as error:
        problems.append(Problem(name, error.message))
        return None


def _checked_ca(text: str, *, name: str, problems: list[Problem]) -> str:
    """The certificates of the authority re-written in canonical PEM: whatever stood around them is gone."""
    if not text:
        problems.append(Problem(name, "the authority's certificate is needed: without it nobody is verified"))
        return ""
    try:
        certificates = _certificates(text)
    except InvalidCredential as error:
        problems.append(Problem(name, error.message))
        return ""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def _certificates(text: str) -> Sequence[x509.Certificate]:
    if len(text) > MAX_PEM_BYTES:
        raise InvalidCredential("is too large")
    if "PRIVATE KEY" in text:
        raise InvalidCredential("holds a private key, where only certificates belong")
    if _CERTIFICATE_BEGIN not in text:
        raise InvalidCredential("must be PEM text that begins with -----BEGIN CERTIFICATE-----")
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise InvalidCredential("holds a certificate that cannot be read") from None


def _token_problems(token: str, *, name: str) -> list[Problem]:
    if len(token) > MAX_TOKEN_BYTES:
        return [Problem(name, "is too long for a token")]
    if any(not "!" <= character <= "~" for character in token):
        return [Problem(name, "must be one word of printable ASCII characters")]
    return []


def _certificate_problems(certificate: str, key: str, *, names: FieldNames) -> list[Problem]:
    if not certificate:
        return [Problem(names.client_certificate_pem, "the certificate that belongs to the key is needed")]
    if not key:
        return [Problem(names.client_key_pem, "the key that belongs to the certificate is needed")]
    problems: list[Problem] = []
    leaf: x509.Certificate | None = None
    try:
        leaf = _certificates(certificate)[0]
    except InvalidCredential as error:
        problems.append(Problem(names.client_certificate_pem, error.message))
    try:
        public = _public_half(key)
    except InvalidCredential as error:
        return [*problems, Problem(names.client_key_pem, error.message)]
    if leaf is not None and _spki(leaf) != public:
        problems.append(Problem(names.client_key_pem, "does not belong to the certificate"))
    return problems


def _public_half(key: str) -> bytes:
    if len(key) > MAX_PEM_BYTES:
        raise InvalidCredential("is too large")
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except TypeError:
        raise InvalidCredential("is protected by a passphrase, which cannot be given here") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidCredential("is not a private key in PEM form") from None
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def decode_base64_text(text: str) -> str:
    """Decode the base64 of a ``…-data`` field; raises ``InvalidCredential`` for anything that is not text in base64."""
    if len(text) > 2 * MAX_PEM_BYTES:
        raise InvalidCredential("is too large")
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise InvalidCredential("is not text in base64") from None
