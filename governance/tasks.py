"""Wake-ups of the workflow. Safe to run twice: each finds its work in the rows."""

from celery import shared_task

from governance import services


@shared_task
def lapse_unanswered() -> None:
    """Close what nobody answered, and show reviewers the effect of today for what still waits."""
    services.lapse_unanswered()
    services.recheck_waiting()
