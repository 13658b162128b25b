"""Numbers of requests, without gaps."""

from django.db import connection

from governance.models import RequestCounter
from ledger.services import CHAIN_LOCK


def next_number() -> int:
    """The next number; a transaction that rolls back gives it back.

    The ledger's lock is taken first: whoever takes a number records next, and two locks that are always taken in one
    order never wait for each other, however many requests one transaction makes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    counter, _ = RequestCounter.objects.select_for_update().get_or_create(pk=1)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last
