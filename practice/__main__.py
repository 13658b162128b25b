"""``python -m practice build`` makes the control plane's program; ``status`` tells how far it is."""

from __future__ import annotations

import sys
import threading
import time

from practice.binary import BuildStatus, ControlPlaneUnavailable, build_status, ensure_programs

_SAY_EVERY_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    if arguments == ["status"]:
        _say(_words(build_status()))
        return 0
    if arguments != ["build"]:
        _say("usage: python -m practice build|status")
        return 2
    return _build()


def _build() -> int:
    """Build in the foreground, with a word now and then: minutes of silence look like a hang."""
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(over,), daemon=True)
    teller.start()
    try:
        programs = ensure_programs()
    except ControlPlaneUnavailable as error:
        _say(str(error))
        return 1
    finally:
        over.set()
        teller.join(1)
    _say(f"ready: {programs.apiserver or programs.kubeapi}")
    return 0


def _tell(over: threading.Event) -> None:
    while not over.wait(_SAY_EVERY_SECONDS):
        _say(_words(build_status()))


def _words(status: BuildStatus) -> str:
    if status.state == "building" and status.started_at is not None:
        minutes, seconds = divmod(int(time.time() - status.started_at), 60)
        return f"building for {minutes}:{seconds:02} min, {status.steps} packages so far, now {status.last_line}"
    return f"{status.state}: {status.reason}" if status.reason else status.state


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
