"""Entry points of the workers. Both are safe to run at any time and any number of times."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from clusters import contacts, inventory


@shared_task
def run_contacts() -> None:
    """Run every contact that is due, and those whose worker was lost. On the pusher's queue: it needs the keys."""
    inventory.run_due()


@shared_task
def schedule_inventories() -> None:
    """Make the inventories due that are old enough, and forget the contacts of long ago."""
    now = timezone.now()
    with transaction.atomic():
        contacts.schedule_inventories(now)
    contacts.forget_old(now)
