"""The certificates and tokens of one practice cluster, made once and kept in its data folder."""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS = datetime.timedelta(days=3650)
_HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A user that the practice cluster knows, by token and by client certificate."""

    user: str
    groups: tuple[str, ...] = ()
    token: str = field(default="", repr=False)


class Authority:
    """Everything that the API server needs to know about trust, in one private folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ca_path, self._ca_key_path = folder / "ca.crt", folder / "ca.key"
        self.serving_path, self.serving_key_path = folder / "serving.crt", folder / "serving.key"
        self.account_key_path = folder / "accounts.key"
        self.tokens_path = folder / "tokens.csv"
        if not self.ca_path.exists():
            self._make()

    @property
    def ca_pem(self) -> str:
        return self.ca_path.read_text()

    def token(self, user: str) -> str:
        """The token of ``user``; raises ``KeyError`` for somebody whom the cluster does not know."""
        rows = (line.split(",", 3) for line in self.tokens_path.read_text().splitlines())
        return {row[1]: row[0] for row in rows}[user]

    def add_identity(self, identity: Identity) -> None:
        """Give ``identity`` a token, unless it has one; the API server reads tokens when it starts."""
        lines = self.tokens_path.read_text().splitlines() if self.tokens_path.exists() else []
        if any(line.split(",")[1] == identity.user for line in lines):
            return
        token = identity.token or secrets.token_urlsafe(24)
        groups = f',"{",".join(identity.groups)}"' if identity.groups else ""
        _write_private(
            self.tokens_path,
            "".join(f"{line}\n" for line in [*lines, f"{token},{identity.user},{identity.user}{groups}"]),
        )

    def client_certificate(self, identity: Identity, *, lifetime: datetime.timedelta = _YEARS) -> tuple[str, str]:
        """A fresh certificate and key, in PEM, that the cluster takes for ``identity``."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, identity.user)]
        names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
        certificate = self._sign(
            _builder(x509.Name(names), key.public_key(), lifetime=lifetime).add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
        )
        return _pem(certificate), _key_pem(key)

    def _make(self) -> None:
        _write_private(self.account_key_path, _account_key_pem(ec.generate_private_key(ec.SECP256R1())))
        key = ec.generate_private_key(ec.SECP256R1())
        _write_private(self._ca_key_path, _key_pem(key))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "practice cluster authority")])
        authority = (
            _builder(subject, key.public_key(), lifetime=_YEARS)
            .issuer_name(subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        serving_key = ec.generate_private_key(ec.SECP256R1())
        serving = _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")]),
            serving_key.public_key(),
            lifetime=_YEARS,
        ).add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        _write_private(self.serving_key_path, _key_pem(serving_key))
        _write_private(self.serving_path, _pem(self._sign(serving, authority=authority)))
        # Written last: where this file is, all the others are.
        _write_private(self.ca_path, _pem(authority))

    def _sign(self, builder: x509.CertificateBuilder, *, authority: x509.Certificate | None = None) -> x509.Certificate:
        key = serialization.load_pem_private_key(self._ca_key_path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is not one that was made here")
        issuer = authority or x509.load_pem_x509_certificate(self.ca_path.read_bytes())
        return (
            builder.issuer_name(issuer.subject)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )


def _builder(
    subject: x509.Name, public_key: ec.EllipticCurvePublicKey, *, lifetime: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + lifetime)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _account_key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """The API server reads public halves out of this older form only."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
