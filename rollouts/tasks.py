"""Wake-ups. Each finds its work in the rows; running one twice, late or not at all changes nothing but the time."""

import os
import socket

from celery import shared_task

from rollouts import comparison, progress, pushing


def worker_name() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"


@shared_task
def push_due() -> None:
    pushing.push_due(worker_name())


@shared_task
def compare_due() -> None:
    comparison.compare_due(worker_name())


@shared_task
def advance() -> None:
    progress.advance()
