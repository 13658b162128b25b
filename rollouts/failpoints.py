"""Places where a test can let the pusher die, to prove that the next one finishes its work.

Off unless SALLYPORT_FAILPOINT names the place; then the process ends there as a power cut would end it.
"""

import os
import signal

VARIABLE = "SALLYPORT_FAILPOINT"
BOUNDARIES = (
    "after-claim",
    "after-compile",
    "after-read",
    "before-write-1",
    "after-write-1",
    "after-write-2",
    "after-write-3",
    "after-write-4",
    "before-read-back",
    "before-record",
    "inside-record",
    "after-record",
)


def failpoint(name: str) -> None:
    """Die here when the environment says so."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
