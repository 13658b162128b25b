"""Waking the workers after a commit. A lost wake-up costs latency only: the beat finds the same rows."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(task: str) -> None:
    """Send the task without arguments once the transaction has committed. Tasks of higher layers are known by name."""
    transaction.on_commit(lambda: _send(task))


def _send(task: str) -> None:
    try:
        current_app.send_task(task, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("No broker to wake %s (%s); the next sweep will find the work.", task, error)
