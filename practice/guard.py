"""Run one command and take it down with whoever started this.

Started as a script with the command as its arguments and a pipe as standard input: when the pipe closes or the parent
changes, the command is told to stop, and killed if it does not. A death signal alone would not do: the kernel sends it
when the *thread* that started a process ends.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from types import FrameType

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.2


def _die_with_guard() -> None:
    """Runs in the child: should the guard itself be killed, the kernel kills the command."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(command: list[str]) -> int:
    parent = os.getppid()
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    # This process has one thread, where a preexec function is safe.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)
    while child.poll() is None and not stopping:
        readable, _, _ = select.select([0], [], [], _POLL_SECONDS)
        stopping = stopping or os.getppid() != parent or (bool(readable) and not os.read(0, 4096))
    return _finish(child)


def _finish(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
        over_at = time.monotonic() + _GRACE_SECONDS
        while child.poll() is None and time.monotonic() < over_at:
            time.sleep(0.05)
        if child.poll() is None:
            child.kill()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
