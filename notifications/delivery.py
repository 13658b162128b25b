"""Messages on their way: claimed from rows, sent outside of any transaction, retried with growing pauses.

A delivery is claimed by moving its due time ahead. Should the process die while it sends, the row falls due again by
itself, so a mail may come twice but is never lost; both copies carry the same Message-ID.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.models import Delivery
from notifications.services import one_line

logger = logging.getLogger(__name__)

BATCH = 50
MOST_ATTEMPTS = 8
HELD_FOR = timedelta(minutes=5)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
SECONDS_TO_ANSWER = 15


def deliver_due(*, at: datetime | None = None) -> int:
    """Send what is due; safe to run in several processes at once. Returns how many were sent."""
    now = at or timezone.now()
    sent = 0
    while claimed := claim(at=now):
        connection = get_connection(timeout=SECONDS_TO_ANSWER)
        try:
            sent += sum(_deliver(delivery, connection=connection, at=now) for delivery in claimed)
        finally:
            _close(connection)
    return sent


@transaction.atomic
def claim(*, at: datetime, limit: int = BATCH) -> list[Delivery]:
    """Take up to ``limit`` due deliveries that nobody else holds."""
    due = Delivery.objects.due(at).select_for_update(skip_locked=True, of=("self",))
    claimed = list(due.select_related("notification__recipient").order_by("due_at")[:limit])
    for delivery in claimed:
        delivery.attempts += 1
        delivery.due_at = at + HELD_FOR
    Delivery.objects.bulk_update(claimed, ["attempts", "due_at"])
    return claimed


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failures: doubling, with a little chance, so that no herd returns at once."""
    return min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE) * random.uniform(1.0, 1.2)  # noqa: S311  no secret


def _deliver(delivery: Delivery, *, connection: BaseEmailBackend, at: datetime) -> bool:
    if not delivery.notification.recipient.is_active:
        _note(delivery, state=Delivery.State.FAILED, last_error="The account is disabled.")
        return False
    try:
        _message(delivery, connection).send()
    except (SMTPException, OSError, ValueError) as error:
        _note_failure(delivery, error, at=at)
        return False
    _note(delivery, state=Delivery.State.SENT, sent_at=timezone.now(), last_error="")
    return True


def _note_failure(delivery: Delivery, error: Exception, *, at: datetime) -> None:
    """A malformed message never gets better; anything else may."""
    given_up = isinstance(error, ValueError) or delivery.attempts >= MOST_ATTEMPTS
    logger.warning("Delivery %s failed (attempt %s): %s", delivery.pk, delivery.attempts, type(error).__name__)
    _note(
        delivery,
        state=Delivery.State.FAILED if given_up else Delivery.State.DUE,
        due_at=at + pause_after(delivery.attempts),
        last_error=one_line(f"{type(error).__name__}: {error}")[:300],
    )


def _note(delivery: Delivery, **outcome: object) -> None:
    """Write the outcome, unless the row has meanwhile been claimed again."""
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(**outcome)


def _message(delivery: Delivery, connection: BaseEmailBackend) -> EmailMessage:
    notification = delivery.notification
    lines = [notification.body]
    if notification.link and settings.PUBLIC_ADDRESS:
        lines.append(urljoin(settings.PUBLIC_ADDRESS, notification.link))
    lines.append(_("You get this because of your role in Sallyport."))
    return EmailMessage(
        subject=one_line(notification.subject),
        body="\n\n".join(lines),
        to=[notification.recipient.email],
        headers={"Message-ID": f"<{delivery.pk}@{_host()}>", "Auto-Submitted": "auto-generated"},
        connection=connection,
    )


def _host() -> str:
    return urlsplit(settings.PUBLIC_ADDRESS).hostname or "sallyport.invalid"


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (SMTPException, OSError) as error:
        logger.debug("The mail server did not say goodbye: %s", error)
