"""Entry points of the API's own housekeeping."""

from celery import shared_task
from django.utils import timezone

from api import idempotency


@shared_task
def forget_old_calls() -> None:
    """Delete the answers that no caller may ask for again."""
    idempotency.forget_calls(before=timezone.now() - idempotency.KEPT_FOR)
