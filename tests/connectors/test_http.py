"""The one door out, against servers that lie, stall, drip, flood and redirect."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.access import ServerUrl, access_from_fields
from connectors.addresses import AddressPolicy
from connectors.errors import (
    BadReply,
    ConnectorError,
    InvalidCredential,
    RefusedAddress,
    Rejected,
    ServerFault,
    Throttled,
    TimedOut,
    Unreachable,
    Untrusted,
)
from connectors.http import HttpClient, Limits
from connectors.kube import NAMESPACES, KubeClient
from connectors.kube.transport import Transport
from connectors.tls import client_context
from tests.connectors.certificates import make_authority, make_leaf
from tests.connectors.hostile import Server, answer, read_request, server_context, serving
from tests.connectors.test_addresses import REFUSED_SPELLINGS

CANARY = "canary-token-77aa"
AUTHORITY = make_authority()
LEAF = make_leaf(AUTHORITY, names=("api.example.com",), addresses=("127.0.0.1", "127.0.0.2", "::1"))
LOOPBACK = AddressPolicy(allow_loopback=True)
QUICK = Limits(connect=1.0, read=0.6, total=1.0, reply_bytes=1 << 20)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_context(LEAF, tmp_path)


@pytest.fixture
def to() -> Iterator[Callable[..., HttpClient]]:
    """Makes clients for a local server, and closes them."""
    made: list[HttpClient] = []

    def make(
        server: Server, *, host: str = "127.0.0.1", ca_pem: str = AUTHORITY.certificate_pem, **options: Any
    ) -> Any:
        client = HttpClient(
            server=ServerUrl(host, server.port),
            address_policy=options.pop("address_policy", LOOPBACK),
            context=client_context(ca_pem=ca_pem),
            limits=options.pop("limits", QUICK),
            authorization=f"Bearer {CANARY}",
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def replying(*replies: bytes) -> Callable[[socket.socket, Server], None]:
    """A server that gives these answers in turn, over as many connections as it takes."""
    remaining = iter(replies)

    def talk(connection: socket.socket, server: Server) -> None:
        while read_request(connection, server):
            reply = next(remaining, None)
            if reply is None:
                return
            connection.sendall(reply)

    return talk


def stalling(seconds: float = 3.0) -> Callable[[socket.socket, Server], None]:
    def talk(connection: socket.socket, server: Server) -> None:
        read_request(connection, server)
        time.sleep(seconds)

    return talk


def dripping(start: bytes, drop: bytes, *, seconds: float = 4.0) -> Callable[[socket.socket, Server], None]:
    """Sends ``drop`` every 50 ms, well within any timeout between two reads."""

    def talk(connection: socket.socket, server: Server) -> None:
        read_request(connection, server)
        connection.sendall(start)
        over_at = time.monotonic() + seconds
        while time.monotonic() < over_at:
            connection.sendall(drop)
            time.sleep(0.05)

    return talk


def get(client: HttpClient) -> Any:
    return client.request(method="GET", path="/version")


def test_connections_are_kept_and_do_not_wait_for_acknowledgements(
    context: ssl.SSLContext, to: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodelay: list[int] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        connect(self, address)
        nodelay.append(self.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(socket.socket, "connect", watched)
    with serving(replying(answer(), answer(), answer()), context=context) as server:
        client = to(server)
        statuses = [get(client).status for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert server.connections == 1
    assert nodelay == [1]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_refused_and_its_target_never_hears_of_us(
    status: str, context: ssl.SSLContext, to: Callable[..., HttpClient]
) -> None:
    with serving(replying(answer()), context=context) as elsewhere:
        location = f"Location: https://127.0.0.1:{elsewhere.port}/steal"
        redirect = replying(answer(status=status, headers=(location,)))
        with serving(redirect, context=context) as server, pytest.raises(BadReply, match="redirect"):
            get(to(server))

    assert (server.connections, elsewhere.connections) == (1, 0)


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(stalling(), id="hangs after the request"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"), id="drips headers"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"), id="drips one header"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continues for ever"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"a"), id="drips the body"),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"), id="drips chunks"
        ),
    ],
)
def test_a_slow_server_is_left_at_the_deadline(
    talk: Callable[[socket.socket, Server], None], context: ssl.SSLContext, to: Callable[..., HttpClient]
) -> None:
    with serving(talk, context=context) as server:
        started = time.monotonic()
        with pytest.raises((TimedOut, BadReply)) as caught:
            get(to(server))
        took = time.monotonic() - started

    assert took < 1.6
    assert CANARY not in repr(caught.value)


def test_a_server_that_accepts_and_says_nothing_is_left_at_the_deadline(to: Callable[..., HttpClient]) -> None:
    def silent(connection: socket.socket, server: Server) -> None:
        time.sleep(3)

    with serving(silent, context=None) as server:
        started = time.monotonic()
        with pytest.raises(TimedOut):
            get(to(server))

    assert time.monotonic() - started < 1.6


def test_a_server_that_drips_its_handshake_is_left_at_the_deadline(to: Callable[..., HttpClient]) -> None:
    def talk(connection: socket.socket, server: Server) -> None:
        connection.recv(4096)
        connection.sendall(b"\x16\x03\x03\x40\x00")
        for _ in range(60):
            connection.sendall(b"\x00")
            time.sleep(0.05)

    with serving(talk, context=None) as server:
        started = time.monotonic()
        with pytest.raises(ConnectorError):
            get(to(server))

    assert time.monotonic() - started < 1.6


def flooding(head: bytes, block: bytes, *, blocks: int) -> Callable[[socket.socket, Server], None]:
    def talk(connection: socket.socket, server: Server) -> None:
        read_request(connection, server)
        connection.sendall(head)
        for _ in range(blocks):
            connection.sendall(block)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(
            flooding(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b"x" * (1 << 20), blocks=1024),
            id="a gigabyte, announced",
        ),
        pytest.param(
            flooding(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"100000\r\n" + b"x" * (1 << 20) + b"\r\n",
                blocks=1024,
            ),
            id="a gigabyte, in chunks",
        ),
        pytest.param(
            flooding(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * (1 << 20), blocks=1024),
            id="a gigabyte, until it closes",
        ),
        pytest.param(
            replying(answer(gzip.compress(b"\0" * (200 << 20), 1), headers=("Content-Encoding: gzip",))),
            id="a compressed bomb",
        ),
    ],
)
def test_too_much_is_not_read(
    talk: Callable[[socket.socket, Server], None], context: ssl.SSLContext, to: Callable[..., HttpClient]
) -> None:
    with serving(talk, context=context) as server:
        client = to(server, limits=Limits(connect=2, read=5, total=10, reply_bytes=1 << 20))
        with pytest.raises(BadReply, match="more than 1 MiB"):
            get(client)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", BadReply),
        (b"HTTP/1.1 abc\r\n\r\n", BadReply),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", BadReply),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", BadReply),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Unreachable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Unreachable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\njunk", BadReply),
    ],
)
def test_what_is_no_http_is_named_and_bounded(
    reply: bytes, error: type[ConnectorError], context: ssl.SSLContext, to: Callable[..., HttpClient]
) -> None:
    def talk(connection: socket.socket, server: Server) -> None:
        read_request(connection, server)
        connection.sendall(reply)

    with serving(talk, context=context) as server, pytest.raises(error):
        get(to(server))


def heard_nothing(server: Server) -> bool:
    return server.heard == []


def test_a_certificate_of_another_authority_is_refused_before_anything_is_said(
    context: ssl.SSLContext, to: Callable[..., HttpClient]
) -> None:
    with serving(replying(answer()), context=context) as server, pytest.raises(Untrusted):
        get(to(server, ca_pem=make_authority().certificate_pem))

    assert heard_nothing(server)


@pytest.mark.parametrize(
    ("leaf", "word"),
    [
        (make_leaf(AUTHORITY, expired=True), "expired"),
        (make_leaf(AUTHORITY, addresses=("10.9.9.9",)), "IP address mismatch"),
        (make_leaf(AUTHORITY, names=("127.0.0.1",), addresses=()), "IP address mismatch"),
    ],
)
def test_a_certificate_that_is_wrong_in_itself_is_refused(
    leaf: Any, word: str, tmp_path: Path, to: Callable[..., HttpClient]
) -> None:
    wrong = server_context(leaf, tmp_path)

    with serving(replying(answer()), context=wrong) as server, pytest.raises(Untrusted, match=word):
        get(to(server))

    assert heard_nothing(server)


def test_a_certificate_for_another_name_is_refused(
    context: ssl.SSLContext, to: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1")

    with serving(replying(answer()), context=context) as server, pytest.raises(Untrusted, match="Hostname mismatch"):
        get(to(server, host="other.example.com"))

    assert heard_nothing(server)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(context: ssl.SSLContext, to: Callable[..., HttpClient]) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    with serving(replying(answer()), context=context) as server, pytest.raises((Untrusted, Unreachable)):
        get(to(server))

    assert heard_nothing(server)


def test_plain_http_on_the_port_is_named_and_gets_no_credential(to: Callable[..., HttpClient]) -> None:
    def talk(connection: socket.socket, server: Server) -> None:
        server.heard.append(connection.recv(65536))
        connection.sendall(answer(status="400 Bad Request"))

    with serving(talk, context=None) as server, pytest.raises(Untrusted, match="does not speak TLS"):
        get(to(server))

    assert not any(CANARY.encode() in chunk or b"GET" in chunk for chunk in server.heard)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *rounds: str | tuple[str, ...]) -> list[str]:
    """Names resolve to these addresses, one round for each time that somebody asks; the last one stays."""
    asked: list[str] = []
    original = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host[0].isdigit() or ":" in host:
            return original(host, port, *args, **kwargs)
        current = rounds[min(len(asked), len(rounds) - 1)]
        asked.append(host)
        return [(2, 1, 6, "", (one, port)) for one in ((current,) if isinstance(current, str) else current)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_the_name_is_kept_for_sni_and_verification(
    context: ssl.SSLContext, to: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve_to(monkeypatch, "127.0.0.1")

    with serving(replying(answer()), context=context) as server:
        assert get(to(server, host="api.example.com")).status == 200

    assert asked == ["api.example.com"]
    assert server.names == ["api.example.com"]
    assert b"Host: api.example.com" in server.heard[0]


def test_a_name_that_moves_to_a_forbidden_address_gets_no_second_connection(
    context: ssl.SSLContext, to: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1", "169.254.169.254")

    with serving(replying(answer(headers=("Connection: close",)), answer()), context=context) as server:
        client = to(server, host="api.example.com")
        assert get(client).status == 200
        with pytest.raises(RefusedAddress):
            get(client)

    assert server.connections == 1


def test_the_next_judged_address_is_tried_when_one_refuses(
    context: ssl.SSLContext, to: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, ("127.0.0.2", "127.0.0.1"))

    with serving(replying(answer()), context=context) as server:
        assert get(to(server, host="api.example.com")).status == 200


def test_ipv6_servers_are_reached(context: ssl.SSLContext, to: Callable[..., HttpClient]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    listener_address = "::1"

    original = socket.create_server

    def create_server(address: tuple[str, int], **options: Any) -> socket.socket:
        return original(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_server", create_server)
        with serving(replying(answer()), context=context, address=listener_address) as server:
            assert get(to(server, host="::1")).status == 200


@pytest.mark.parametrize("host", REFUSED_SPELLINGS)
def test_no_spelling_reaches_a_socket(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[object] = []
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, lambda self, *args: touched.append(args))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: touched.append(args))

    with pytest.raises((RefusedAddress, InvalidCredential)):
        HttpClient(
            server=ServerUrl(host, 443),
            address_policy=AddressPolicy(),
            context=client_context(ca_pem=AUTHORITY.certificate_pem),
        ).request(method="GET", path="/")

    assert touched == []


def test_the_environment_has_no_say(
    context: ssl.SSLContext, to: Callable[..., HttpClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login root password netrc-canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with serving(replying(answer()), context=None) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with serving(replying(answer()), context=context) as server:
            assert get(to(server)).status == 200

    assert proxy.connections == 0
    assert not any(b"netrc" in chunk or b"Basic" in chunk for chunk in server.heard)
    assert not (tmp_path / "keys").exists()


def test_nothing_shows_the_credential(context: ssl.SSLContext, to: Callable[..., HttpClient]) -> None:
    with serving(replying(answer()), context=context) as server:
        client = to(server)
        reply = get(client)

    assert CANARY not in repr(client) + repr(reply) + repr(client.__dict__["_pool"])


# An API server that is hostile, slow or busy, seen through the Kubernetes client


@pytest.fixture
def kube(context: ssl.SSLContext) -> Iterator[Callable[..., KubeClient]]:
    made: list[KubeClient] = []

    def make(server: Server, **limits: Any) -> KubeClient:
        access = access_from_fields(
            server=f"https://127.0.0.1:{server.port}", ca_pem=AUTHORITY.certificate_pem, token=CANARY
        )
        given = Limits(**{"connect": 1.0, "read": 1.0, "total": 2.0, "reply_bytes": 1 << 20, **limits})
        client = KubeClient(access=access, address_policy=LOOPBACK, limits=given)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def status(code: int, message: str, *, reason: str = "") -> bytes:
    body = f'{{"kind":"Status","code":{code},"reason":"{reason}","message":"{message}"}}'
    return answer(body.encode(), status=f"{code} X")


VERSION = answer(b'{"gitVersion":"v1.37.2","major":"1","minor":"37","platform":"x"}')
BUSY = answer(b"{}", status="429 Too Many Requests", headers=("Retry-After: 1",))


def test_a_credential_that_the_server_repeats_is_scrubbed(
    context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    echo = replying(status(422, f"bad Bearer {CANARY} here"))

    with serving(echo, context=context) as server, pytest.raises(Rejected) as caught:
        kube(server).version()

    assert caught.value.message == "bad Bearer [removed] here"
    assert CANARY not in repr(caught.value.details)


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"<html>login</html>", headers=("Content-Type: text/html",)),
        answer(b"{", headers=("Content-Type: application/json",)),
        answer(b"[1]"),
        answer(b'{"gitVersion":""}'),
        answer(b"[" * 100_000),
    ],
)
def test_an_answer_that_is_no_version_is_named_so(
    reply: bytes, context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    with serving(replying(reply), context=context) as server, pytest.raises(BadReply):
        kube(server).version()


def test_a_login_page_with_an_error_code_is_still_told_apart(
    context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    page = answer(b"<html>down</html>", status="502 Bad Gateway", headers=("Content-Type: text/html",))

    with serving(replying(page), context=context) as server, pytest.raises(ServerFault, match="502"):
        kube(server).version()


def test_a_busy_server_is_asked_again_once_after_the_time_it_named(
    context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    with serving(replying(BUSY, VERSION), context=context) as server:
        started = time.monotonic()
        assert kube(server, total=5.0).version().git_version == "v1.37.2"

    assert time.monotonic() - started >= 1.0


def test_a_server_that_stays_busy_is_left_alone(context: ssl.SSLContext, kube: Callable[..., KubeClient]) -> None:
    with serving(replying(BUSY, BUSY, VERSION), context=context) as server, pytest.raises(Throttled) as caught:
        kube(server, total=5.0).version()

    assert caught.value.retry_after == 1.0
    assert b"".join(server.heard).count(b"GET /version") == 2


@pytest.mark.parametrize("header", ["Retry-After: 3600", "Retry-After: Mon, 01 Jan 2035 00:00:00 GMT", "X: y"])
def test_a_wait_beyond_the_deadline_is_not_begun(
    header: str, context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    with serving(replying(answer(status="429 X", headers=(header,))), context=context) as server:
        started = time.monotonic()
        with pytest.raises(Throttled):
            kube(server).version()

    assert time.monotonic() - started < 0.8


def closing_after(*replies: bytes) -> Callable[[socket.socket, Server], None]:
    """Each connection answers one request, stays open for the next, and drops it unanswered."""
    remaining = iter(replies)

    def talk(connection: socket.socket, server: Server) -> None:
        if read_request(connection, server):
            connection.sendall(next(remaining))
            read_request(connection, server)

    return talk


def test_a_read_over_a_dropped_connection_is_tried_again_and_a_write_is_not(
    context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    with serving(closing_after(VERSION, VERSION, VERSION), context=context) as server:
        client = kube(server)
        client.version()
        client.version()
        with pytest.raises(Unreachable):
            client._transport.call("PATCH", NAMESPACES.path(name="x"), body={})

    heard = b"".join(server.heard)
    assert heard.count(b"GET ") == 3
    assert heard.count(b"PATCH ") == 1


def test_a_listing_without_end_comes_to_one(
    context: ssl.SSLContext, kube: Callable[..., KubeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = answer(b'{"kind":"NamespaceList","metadata":{"continue":"more"},"items":[]}')
    monkeypatch.setattr("connectors.kube.reading._MAX_PAGES", 20)

    with serving(replying(*[endless] * 30), context=context) as server, pytest.raises(BadReply, match="end"):
        kube(server).list_namespaces()


def test_an_expired_listing_is_begun_again_once_and_never_cut_short(
    context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    first = answer(b'{"kind":"NamespaceList","metadata":{"continue":"c"},"items":[{"metadata":{"name":"a"}}]}')
    last = answer(b'{"kind":"NamespaceList","metadata":{},"items":[{"metadata":{"name":"b"}}]}')
    gone = status(410, "expired", reason="Expired")

    with serving(replying(first, gone, first, last), context=context) as server:
        assert [one.name for one in kube(server).list_namespaces()] == ["a", "b"]


@pytest.mark.parametrize("body", [b'{"kind":"Status"}', b'{"items":{}}', b'{"items":[1]}', b"{}"])
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(
    body: bytes, context: ssl.SSLContext, kube: Callable[..., KubeClient]
) -> None:
    with serving(replying(answer(body)), context=context) as server, pytest.raises(BadReply):
        kube(server).list_namespaces()


def test_a_transport_shows_its_server_and_nothing_else(context: ssl.SSLContext) -> None:
    access = access_from_fields(server="https://10.0.0.1:6443", ca_pem=AUTHORITY.certificate_pem, token=CANARY)
    transport = Transport(access=access, address_policy=AddressPolicy())

    assert CANARY not in repr(transport) + repr(transport.scrub) + repr(
        KubeClient(access=access, address_policy=LOOPBACK)
    )
