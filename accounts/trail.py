"""Where writes in this layer report themselves.

The ledger lies above accounts, so accounts cannot import it; the ledger hands in its recorder when the applications
load. A write before that moment is an error, never an unrecorded write.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

Recorder = Callable[..., Any]

_recorder: list[Recorder] = []


def set_recorder(recorder: Recorder) -> None:
    """Called once by the ledger when it is ready."""
    _recorder[:] = [recorder]


def record(action: str, *, actor: Any, subject: Any, **details: Any) -> None:
    """Write one ledger entry inside the caller's transaction."""
    if not _recorder:
        raise ImproperlyConfigured("The ledger is not installed: a write would leave no trace.")
    _recorder[0](action, actor=actor, subject=subject, **details)
