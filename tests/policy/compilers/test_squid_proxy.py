"""A real Squid reads the file without a warning, and lets through what the entries say and nothing else."""

import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from policy.capabilities import Capabilities
from policy.compilation import compile_namespace
from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.template import TEMPLATE_V1
from tests.policy.compilers.cases import POINTS
from tests.policy.compilers.golden_entries import AT
from tests.policy.compilers.test_golden import compiled

SQUID = shutil.which("squid") or "/usr/sbin/squid"
GREETING = b"hello from the other side"
HOSTS = (
    "api.example.com",
    "www.api.example.com",
    "one.example.com",
    "a.one.example.com",
    "b.a.one.example.com",
    "apex.example.com",
    "a.apex.example.com",
    "deep.example.com",
    "a.deep.example.com",
    "b.a.deep.example.com",
    "evil.example.net",
)
DESTINATIONS = ("api.example.com", "*.one.example.com", "*.apex.example.com +apex", "**.deep.example.com")


def _has_bumping_squid() -> bool:
    if not Path(SQUID).exists():
        return False
    answer = subprocess.run([SQUID, "-v"], capture_output=True, text=True, timeout=20, check=False)
    return "--with-openssl" in answer.stdout


pytestmark = [
    pytest.mark.squid,
    pytest.mark.skipif(not _has_bumping_squid(), reason="no Squid with OpenSSL on this machine"),
]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "practice")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "pair.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's own folder: Squid gives up its rights and could not read below that."""
    found = Path(tempfile.mkdtemp(prefix="sallyport-squid-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found, ignore_errors=True)


def _config(folder: Path, *, text: str, proxy_port: int, is_bumping: bool) -> Path:
    (folder / "sallyport.conf").write_text(text)
    (folder / "hosts").write_text("".join(f"127.0.0.1 {host}\n" for host in HOSTS))
    bump = f" ssl-bump generate-host-certificates=off cert={folder / 'pair.pem'}" if is_bumping else ""
    path = folder / "squid.conf"
    path.write_text(
        f"http_port 127.0.0.1:{proxy_port}{bump}\n"
        f"hosts_file {folder / 'hosts'}\n"
        "pid_filename none\naccess_log none\ncache_log /dev/null\ncache deny all\n"
        "visible_hostname practice\nshutdown_lifetime 0 seconds\n"
        f"include {folder / 'sallyport.conf'}\n"
        "http_access deny all\n"
    )
    return path


@pytest.mark.parametrize("point", [point for point in POINTS if POINTS[point].dialect == "squid"])
def test_squid_reads_the_golden_file_without_a_warning(folder, point):
    _write_certificate(folder)
    text = compiled(point).objects[0]["data"]["sallyport.conf"]
    path = _config(folder, text=text, proxy_port=3128, is_bumping=POINTS[point].tls_bump)

    answer = subprocess.run(
        [SQUID, "-k", "parse", "-f", str(path)], capture_output=True, text=True, timeout=30, check=False
    )

    said = [line for line in answer.stderr.splitlines() if "| Processing:" not in line]
    assert answer.returncode == 0, answer.stderr
    assert not [line for line in said if any(word in line.upper() for word in ("WARNING", "ERROR", "FATAL", "BUNGLED"))]


class _Upstream:
    """A TLS server that greets whoever completes a handshake, whatever name they ask for."""

    def __init__(self, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            with self._context.wrap_socket(connection, server_side=True) as secured:
                secured.sendall(GREETING)
        except OSError:
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Iterator[_Upstream]:
    server = _Upstream(_write_certificate(folder))
    yield server
    server.close()


@pytest.fixture(scope="module")
def proxy(folder: Path, upstream: _Upstream) -> Iterator[int]:
    """The port of a running Squid with the compiled file of four entries, each for the upstream's port alone."""
    entries = [
        PolicyEntry(f"SP-0000{number}", parse_destination(text), (PortRange("TCP", upstream.port, upstream.port),))
        for number, text in enumerate(DESTINATIONS)
    ]
    capabilities = Capabilities(dialect="squid", tls_bump=True, tls_ports=(upstream.port,), sources=("127.0.0.0/8",))
    bundle = compile_namespace(
        capabilities=capabilities, template=TEMPLATE_V1, namespace="shop", entries=entries, at=AT
    )
    port = _free_port()
    text = bundle.objects[0]["data"]["sallyport.conf"]
    path = _config(folder, text=text, proxy_port=port, is_bumping=True)
    with subprocess.Popen(
        [SQUID, "-N", "-f", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as squid:
        _wait_for(port)
        yield port
        squid.terminate()
        squid.wait(timeout=20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("Squid did not start")


def greets(proxy: int, *, host: str, port: int, server_name: str | None, patience: float = 1.5) -> bool:
    """Whether a tunnel to ``host`` reaches the upstream when the hello names ``server_name``.

    A tunnel that Squid denies stays silent, so ``patience`` is how long each denial takes.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with closing(socket.create_connection(("127.0.0.1", proxy), timeout=patience)) as connection:
        connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        if b" 200 " not in connection.recv(4096).split(b"\r\n", 1)[0]:
            return False
        try:
            with context.wrap_socket(connection, server_hostname=server_name) as secured:
                return secured.recv(len(GREETING)) == GREETING
        except OSError:
            return False


@pytest.mark.parametrize("host", HOSTS)
def test_a_tunnel_passes_where_an_entry_means_the_name(proxy, upstream, host):
    meant = any(parse_destination(text).matches_name(host) for text in DESTINATIONS)

    patience = 10 if meant else 1.5
    assert greets(proxy, host=host, port=upstream.port, server_name=host, patience=patience) == meant


@pytest.mark.parametrize(
    ("host", "server_name", "passes"),
    [
        ("api.example.com", "evil.example.net", False),
        ("api.example.com", "a.one.example.com", False),
        ("api.example.com", "API.example.com", True),
        ("a.deep.example.com", "deep.example.com", False),
        ("a.deep.example.com", "x.y.deep.example.com", True),
        ("evil.example.net", "api.example.com", False),
    ],
)
def test_the_server_name_in_the_hello_must_belong_to_the_same_entry(proxy, upstream, host, server_name, passes):
    patience = 10 if passes else 1.5
    assert greets(proxy, host=host, port=upstream.port, server_name=server_name, patience=patience) == passes


def test_another_port_is_closed(proxy):
    assert not greets(proxy, host="api.example.com", port=_free_port(), server_name="api.example.com")
