"""Our reading of Squid's values against a real Squid: what it refuses to start with, and what it takes."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from policy.dialects import match
from tests.policy.dialects.test_dialects import SQUID_EXPRESSIONS, SQUID_SETS

pytestmark = pytest.mark.squid

PATTERNS = (
    "x.com",
    ".x.com",
    "*.x.com",
    "..x.com",
    ".",
    "x.com.",
    ".X.Com",
    ".com",
    ".b.a.x.com",
    "evil-x.com",
    "-x.com",
)
NAMES = ("x.com", "a.x.com", "b.a.x.com", "X.COM", "x.com.", "evil-x.com", "y.com", "x.com.evil.org", "com")


@pytest.fixture(scope="module")
def squid() -> str:
    found = shutil.which("squid") or shutil.which("squid", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("no squid on this machine")
    return found


def _parse(squid: str, values: str, *, kind: str, folder: Path) -> tuple[int, str]:
    """The exit status of a parse of one ACL, and what Squid says about it."""
    config = folder / "squid.conf"
    config.write_text(f"http_port 127.0.0.1:3128\nacl a {kind} {values}\nhttp_access allow a\nhttp_access deny all\n")
    done = subprocess.run([squid, "-k", "parse", "-f", str(config)], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "patterns", [patterns for patterns, _ in SQUID_SETS if patterns] + [("-x.com",), ("--x",), ("+x",)]
)
def test_a_set_is_invalid_where_squid_does_not_start(squid: str, patterns: tuple[str, ...], tmp_path: Path) -> None:
    status, said = _parse(squid, " ".join(patterns), kind="dstdomain", folder=tmp_path)

    answer = match(dialect="squid", patterns=patterns, name="a.x.com")

    assert (answer.result == "invalid") == (status != 0), said


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in SQUID_EXPRESSIONS if "\\1" not in pattern])
def test_an_expression_is_invalid_where_squid_skips_it(squid: str, pattern: str, tmp_path: Path) -> None:
    _, said = _parse(squid, pattern, kind="dstdom_regex", folder=tmp_path)

    answer = match(dialect="squid", pattern=pattern, name="a.x.com", field="dstdom_regex")

    assert (answer.result == "invalid") == ("Compile failed" in said or "FATAL" in said), said


@pytest.fixture(scope="module")
def proxy(squid: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """A running Squid with one port for each value: it redirects what the value takes and denies the rest."""
    folder = tmp_path_factory.mktemp("squid")
    ports = {pattern: _free_port() for pattern in PATTERNS if not pattern.startswith("-")}
    lines = [
        "pid_filename none",
        "access_log none",
        f"cache_log {folder}/cache.log",
        "cache deny all",
        "shutdown_lifetime 0 seconds",
    ]
    for number, (pattern, port) in enumerate(ports.items()):
        lines += [
            f"http_port 127.0.0.1:{port} name=p{number}",
            f"acl on{number} myportname p{number}",
            f"acl takes{number} dstdomain -n {pattern}",
            f"deny_info 302:http://taken.invalid/ takes{number}",
            f"http_access deny on{number} takes{number}",
        ]
    folder.chmod(0o777)
    (folder / "squid.conf").write_text("\n".join([*lines, "http_access deny all", ""]))
    running = subprocess.Popen(
        [squid, "-N", "-f", str(folder / "squid.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(next(iter(ports.values())), running)
        yield ports
    finally:
        running.terminate()
        running.wait(timeout=30)


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if not pattern.startswith("-")])
def test_a_running_squid_takes_what_we_say_it_takes(proxy: dict[str, int], pattern: str) -> None:
    said = {name: _is_taken(proxy[pattern], name) for name in NAMES}

    ours = {name: match(dialect="squid", pattern=pattern, name=name).result == "match" for name in NAMES}

    assert ours == said


def _is_taken(port: int, name: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", f"http://{name}/", skip_host=True)
    connection.putheader("Host", name)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    assert status in (302, 403), (name, status)
    return status == 302


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if running.poll() is not None:
            pytest.fail(f"Squid ended with {running.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Squid does not listen")
