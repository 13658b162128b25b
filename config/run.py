"""``make run``: the whole product on one machine, stopped together.

Starts the embedded database and broker where no others are configured, brings the schema up to date, makes the demo
people, then runs the portal, a worker, the pusher, the beat and the practice clusters until it is interrupted. Only the
pusher is given the keys that open cluster credentials.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from config.embedded import AlreadyRunning, EmbeddedServices
from connectors.sealing import generate_key_pair

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
STOP_WITHIN_SECONDS = 20
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Part:
    """One process of the product. The portal must live; another part that ends is started again."""

    name: str
    command: list[str]
    environment: dict[str, str]
    restarts: bool = True


def main() -> int:
    data_dir = Path(os.environ.get("SALLYPORT_DATA_DIR", ROOT / "data"))
    services = EmbeddedServices(data_dir)
    embedded = "DATABASE_URL" not in os.environ or "REDIS_URL" not in os.environ
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with services.running() if embedded else nullcontext():
            return _run(services)
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"“{' '.join(error.cmd[2:])}” failed; its own words are above.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.")
        return 0


def _run(services: EmbeddedServices) -> int:
    port = int(os.environ.get("PORT", "8000"))
    common = _common_environment(services, port)
    portal, pusher = _portal_environment(services, common), _pusher_environment(services, common)
    _manage("migrate", "--verbosity", "0", environment=portal)
    if common["SALLYPORT_DEMO"] == "true":
        _manage("demo", "people", environment=portal)
    return _supervise(_parts(portal=portal, pusher=pusher, port=port), port=port)


def _common_environment(services: EmbeddedServices, port: int) -> dict[str, str]:
    defaults = {
        "SALLYPORT_DATA_DIR": str(services.data_dir),
        "SALLYPORT_DEMO": "true",
        "SALLYPORT_PLAIN_HTTP": "true",
        "SALLYPORT_STATIC_IN_PLACE": "true",
        "SALLYPORT_ALLOW_LOOPBACK_CLUSTERS": "true",
        "SALLYPORT_SWEEP_SECONDS": "10",
        "SALLYPORT_COMPARE_EVERY_SECONDS": "60",
        "SALLYPORT_PUBLIC_ADDRESS": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "WARNING",
    }
    secret = {"SECRET_KEY", "SALLYPORT_OPENING_KEYS", "SALLYPORT_SEALING_KEY"}
    return defaults | {key: value for key, value in os.environ.items() if key not in secret}


def _portal_environment(services: EmbeddedServices, common: dict[str, str]) -> dict[str, str]:
    return common | {
        "SECRET_KEY": os.environ.get("SECRET_KEY") or services.secret("secret-key"),
        "SALLYPORT_SEALING_KEY": os.environ.get("SALLYPORT_SEALING_KEY") or _credential_keys(services)[0],
    }


def _pusher_environment(services: EmbeddedServices, common: dict[str, str]) -> dict[str, str]:
    """The opening keys, and no secret of the portal: nothing that the pusher does is signed with it."""
    return common | {
        "SALLYPORT_OPENING_KEYS": os.environ.get("SALLYPORT_OPENING_KEYS") or _credential_keys(services)[1]
    }


def _credential_keys(services: EmbeddedServices) -> tuple[str, str]:
    def make() -> str:
        public, private = generate_key_pair()
        return f"{public.text()} {private.text()}"

    public, private = services.secret("credential-keys", make).split()
    return public, private


def _parts(*, portal: dict[str, str], pusher: dict[str, str], port: int) -> list[Part]:
    celery = ["celery", "--app", "config", "--quiet"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    web = ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "8", "--log-level", "warning"]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--schedule", _beat_file(portal)]
    parts = [
        Part("portal", web, portal, restarts=False),
        Part("worker", [*worker, "--queues", "work", "--concurrency", "1", "--hostname", "worker@%h"], portal),
        Part("pusher", [*worker, "--queues", "pusher", "--concurrency", "2", "--hostname", "pusher@%h"], pusher),
        Part("beat", beat, portal),
    ]
    if portal["SALLYPORT_DEMO"] == "true":
        parts.append(Part("practice clusters", [sys.executable, "manage.py", "demo", "fleet"], portal, restarts=False))
    return parts


def _beat_file(environment: dict[str, str]) -> str:
    return str(Path(environment["SALLYPORT_DATA_DIR"]) / "private" / "beat")


def _supervise(parts: list[Part], *, port: int) -> int:
    running = {part.name: _start(part) for part in parts}
    print(
        f"Sallyport answers at http://127.0.0.1:{port} (Ctrl-C stops it). Practice clusters join by themselves.",
        flush=True,
    )
    try:
        while True:
            time.sleep(1)
            for part in parts:
                process = running[part.name]
                if process.poll() is None:
                    continue
                if part.restarts:
                    print(f"The {part.name} ended with {process.returncode}; starting it again.", file=sys.stderr)
                    running[part.name] = _start(part)
                elif part.name == "portal":
                    return process.returncode or 1
    finally:
        _stop(running)


def _start(part: Part) -> subprocess.Popen[bytes]:
    return subprocess.Popen(part.command, env=part.environment, cwd=ROOT, preexec_fn=_die_with_parent)


def _stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    for process in running.values():
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def _manage(*arguments: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], env=environment, cwd=ROOT, check=True)


def _die_with_parent() -> None:
    """A part never outlives the command, even one that was killed; and Ctrl-C reaches the command alone."""
    os.setsid()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
