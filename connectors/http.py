"""The one door out. Every outbound HTTP request of the product goes through ``HttpClient``.

One client talks to one origin. Each of its connections is made to an address that the policy has just judged, with
the name kept for SNI and verification. There are no redirects, no proxies or credentials from the environment, no
retries that the caller did not ask for; connecting, reading, the whole request and the size of a reply are bounded.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from types import TracebackType
from typing import Any, Self

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    InvalidHeader,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util.connection import create_connection

from connectors.access import ServerUrl
from connectors.addresses import AddressPolicy, check_host_name, parse_literal
from connectors.errors import BadReply, ConnectorError, RefusedAddress, TimedOut, Unreachable, Untrusted
from connectors.tls import DeadlineSocket, deadline, remaining

USER_AGENT = "sallyport"
_SOCKET_OPTIONS: list[tuple[int, int, int | bytes]] = [
    # Without it a first request waits 40 ms for a delayed acknowledgement.
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one request: seconds to connect, seconds between two reads, seconds in all, bytes of a reply."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 30.0
    reply_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Scrubber:
    """Takes given secrets out of texts that others wrote; it never shows what it looks for."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 4)

    def __call__(self, text: str, *, limit: int = 2000) -> str:
        """``text`` without the secrets and without control characters, cut to ``limit`` characters."""
        for secret in self._secrets:
            text = text.replace(secret, "[removed]")
        text = "".join(character if character.isprintable() else " " for character in text)
        return text if len(text) <= limit else f"{text[:limit]}…"

    def __repr__(self) -> str:
        return f"Scrubber({len(self._secrets)} secrets)"


class _CheckedConnection(HTTPSConnection):
    """Connects to an address that the policy has judged, never to whatever a second lookup might say."""

    def __init__(self, *args: Any, address_policy: AddressPolicy, limits: Limits, **options: Any) -> None:
        super().__init__(*args, **options)
        self._address_policy = address_policy
        self._limits = limits

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, DeadlineSocket):
            self.sock.io_timeout = self._limits.read

    def _new_conn(self) -> socket.socket:
        allowed = remaining(self._limits.connect)
        over_at = time.monotonic() + allowed
        endpoint = self._address_policy.check(host=self.host, port=self.port or 443, timeout=allowed)
        failure: OSError | None = None
        for address in endpoint.addresses:
            left = over_at - time.monotonic()
            if left <= 0:
                break
            try:
                return create_connection((str(address), endpoint.port), left, socket_options=_SOCKET_OPTIONS)
            except OSError as error:
                failure = error
        if failure is None or isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failure
        raise NewConnectionError(self, failure.strerror or type(failure).__name__) from failure


class _CheckedPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedConnection


class HttpClient:
    """Speaks to one ``https`` origin through kept-alive connections. Safe for threads, not to be shared over a fork."""

    def __init__(
        self,
        *,
        server: ServerUrl,
        address_policy: AddressPolicy,
        context: ssl.SSLContext,
        limits: Limits | None = None,
        authorization: str | None = None,
        connections: int = 4,
    ) -> None:
        _check_spelling(server.host)
        self.server = server
        self.limits = limits or Limits()
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
        if authorization is not None:
            self._headers["Authorization"] = authorization
        self._pool = _CheckedPool(
            server.host,
            server.port,
            maxsize=connections,
            retries=False,
            ssl_context=context,
            address_policy=address_policy,
            limits=self.limits,
        )

    def request(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        total: float | None = None,
    ) -> Reply:
        """One exchange; any complete answer that is no redirect comes back as it is, whatever its status."""
        allowed = self.limits.total if total is None else min(total, self.limits.total)
        with deadline(time.monotonic() + allowed):
            try:
                reply = self._exchange(method, path, {**self._headers, **(headers or {})}, body)
            except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
                raise self._translated(error) from error
        if 300 <= reply.status < 400 and reply.status != 304:
            raise BadReply(f"{self.server.host} answered with a redirect, which is never followed")
        return reply

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        response = self._pool.urlopen(
            method,
            f"{self.server.path}{path}",
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=urllib3.Timeout(connect=self.limits.connect, read=self.limits.read),
            preload_content=False,
            decode_content=True,
        )
        content = self._read(response)
        return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The decoded body; a connection that was not read to its end is closed and never used again."""
        is_complete = False
        try:
            content = response.read(self.limits.reply_bytes + 1, decode_content=True)
            if len(content) > self.limits.reply_bytes:
                raise BadReply(
                    f"{self.server.host} sent more than {self.limits.reply_bytes >> 20} MiB",
                    details={"limit": self.limits.reply_bytes},
                )
            is_complete = True
            return content
        finally:
            if is_complete:
                response.release_conn()
            else:
                response.close()

    def _translated(self, error: Exception) -> ConnectorError:
        host = self.server.host
        if isinstance(error, NewConnectionError):  # which urllib3 counts among the timeouts
            return Unreachable(f"No connection to {host}: {_system_reason(error)}")
        if isinstance(error, ConnectTimeoutError | ReadTimeoutError | TimeoutError):
            return TimedOut(f"{host} did not answer in time")
        if isinstance(error, SSLError | ssl.SSLError):
            return _tls_error(host, error)
        if isinstance(error, DecodeError | InvalidHeader) or _is_no_http(error):
            return BadReply(f"{host} sent something that is not HTTP as agreed")
        return Unreachable(f"The connection to {host} was lost")

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"HttpClient({self.server})"


def _check_spelling(host: str) -> None:
    """Refuse what no server is called, before it can mean something else to another library."""
    literal = parse_literal(host)
    if literal is None:
        check_host_name(host)
    elif isinstance(literal, IPv6Address) and literal.scope_id is not None:
        raise RefusedAddress("An address with a zone is not allowed", details={"reason": "an address with a zone"})


def _system_reason(error: NewConnectionError) -> str:
    cause = error.__cause__
    return cause.strerror.lower() if isinstance(cause, OSError) and cause.strerror else "refused"


def _tls_error(host: str, error: Exception) -> ConnectorError:
    inner = next((arg for arg in error.args if isinstance(arg, ssl.SSLError)), error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return Untrusted(
            f"The certificate of {host} is not trusted: {inner.verify_message}",
            details={"reason": inner.verify_message, "verify_code": inner.verify_code},
        )
    reason = str(getattr(inner, "reason", None) or type(inner).__name__)
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}:
        return Untrusted(f"{host} does not speak TLS on this port", details={"reason": reason})
    if isinstance(inner, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Unreachable(f"{host} closed the connection")
    return Untrusted(f"No secure connection to {host}: {reason}", details={"reason": reason})


def _is_no_http(error: Exception) -> bool:
    """Whether the peer broke the protocol, rather than the connection."""
    inner = error.args[-1] if isinstance(error, ProtocolError) and error.args else error
    lost = http.client.IncompleteRead | http.client.RemoteDisconnected
    return isinstance(inner, http.client.HTTPException | ValueError) and not isinstance(inner, lost)
