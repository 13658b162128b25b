"""Entry points of deliveries."""

from celery import shared_task

from notifications import delivery


@shared_task
def deliver_due() -> None:
    """Safe to run at any time and twice at once: what is due stands in rows."""
    delivery.deliver_due()
