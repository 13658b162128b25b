"""TLS contexts that trust one authority, and sockets that keep a deadline over a whole exchange."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from connectors.errors import InvalidCredential

#: The instant (monotonic clock) by which the request of this thread must be over.
_deadline: ContextVar[float | None] = ContextVar("request_deadline", default=None)


@contextlib.contextmanager
def deadline(at: float) -> Iterator[None]:
    """Within the block, no socket of this module blocks past ``at`` (monotonic clock)."""
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining(limit: float) -> float:
    """Seconds that one blocking step may take: ``limit``, or less where the deadline is nearer."""
    at = _deadline.get()
    if at is None:
        return limit
    left = at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for this request is over")
    return min(limit, left)


class DeadlineSocket(ssl.SSLSocket):
    """A timeout for each read lets a peer that drips bytes hold us for ever; this one keeps the sum too."""

    io_timeout = 30.0

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(remaining(self.gettimeout() or self.io_timeout))
        super().do_handshake(block)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        self.settimeout(remaining(self.io_timeout))
        return super().read(len, buffer)

    def send(self, data: Any, flags: int = 0) -> int:
        self.settimeout(remaining(self.io_timeout))
        return super().send(data, flags)


def client_context(
    *, ca_pem: str | None, client_certificate_pem: str | None = None, client_key_pem: str | None = None
) -> ssl.SSLContext:
    """A verifying context, TLS 1.2 or newer, that trusts ``ca_pem`` alone (the system's authorities for ``None``).

    Raises ``InvalidCredential`` for a certificate or key that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    # A cluster's bundle may hold an intermediate only: what was given is trusted as it stands, as kubectl does.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.sslsocket_class = DeadlineSocket
    _load_authorities(context, ca_pem)
    if client_certificate_pem and client_key_pem:
        _load_client_certificate(context, f"{client_certificate_pem}\n{client_key_pem}")
    return context


def _load_authorities(context: ssl.SSLContext, ca_pem: str | None) -> None:
    if ca_pem is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    try:
        context.load_verify_locations(cadata=ca_pem)
    except (ssl.SSLError, ValueError):
        raise InvalidCredential("The authority's certificate cannot be used") from None


def _load_client_certificate(context: ssl.SSLContext, pem: str) -> None:
    def no_passphrase() -> bytes:
        raise InvalidCredential("The client key is protected by a passphrase")

    with _unnamed_file(pem.encode()) as path:
        try:
            context.load_cert_chain(path, password=no_passphrase)
        except (ssl.SSLError, OSError, ValueError):
            raise InvalidCredential("The client certificate and key cannot be used together") from None


@contextlib.contextmanager
def _unnamed_file(content: bytes) -> Iterator[str]:
    """A path that holds ``content`` for the length of the block: OpenSSL reads client keys from files only.

    The file lives in memory and has no name in any folder; where the system has no such files, a private folder
    holds it and goes with the block.
    """
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
