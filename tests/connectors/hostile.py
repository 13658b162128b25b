"""Small servers on loopback that misbehave in one way each, and remember what they were told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.connectors.certificates import KeyedCertificate

Handler = Callable[[socket.socket], None]
MAX_CONNECTIONS = 50


@dataclass
class Server:
    """A listening server; ``heard`` is every byte of plain text that arrived, ``connections`` how many came."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    connections: int = 0


def server_context(leaf: KeyedCertificate, folder: Path) -> ssl.SSLContext:
    path = folder / "server.pem"
    path.write_text(leaf.certificate_pem + leaf.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def read_request(connection: socket.socket, server: Server) -> bytes:
    """One request with its body, as far as a Content-Length tells."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return received
        received += chunk
        server.heard.append(chunk)
    head, _, body = received.partition(b"\r\n\r\n")
    wanted = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < wanted:
        chunk = connection.recv(65536)
        if not chunk:
            break
        body += chunk
        server.heard.append(chunk)
    return received


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(
    talk: Callable[[socket.socket, Server], None], *, context: ssl.SSLContext | None, address: str = "127.0.0.1"
) -> Iterator[Server]:
    """Run ``talk`` for each connection (after the TLS handshake, if there is a context) until the block ends."""
    listener = socket.create_server((address, 0))
    listener.settimeout(0.1)
    server = Server(port=listener.getsockname()[1])
    over = threading.Event()
    if context is not None:
        context.sni_callback = lambda _sock, name, _ctx: server.names.append(name or "")
    threads: list[threading.Thread] = []

    def handle(raw: socket.socket) -> None:
        raw.settimeout(10)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            connection = stack.enter_context(contextlib.closing(raw))
            if context is not None:
                connection = stack.enter_context(contextlib.closing(context.wrap_socket(raw, server_side=True)))
            talk(connection, server)

    def accept() -> None:
        while not over.is_set() and server.connections < MAX_CONNECTIONS:
            try:
                raw, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            server.connections += 1
            thread = threading.Thread(target=handle, args=(raw,), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        over.set()
        acceptor.join(5)
        listener.close()
        for thread in threads:
            thread.join(0.5)
