"""Wake-ups of the allowlist. Safe to run twice: each finds its work in the rows."""

from celery import shared_task

from allowlist import services


@shared_task
def bump_expired() -> None:
    services.bump_expired()
