"""Every write of messages."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from notifications.errors import UnknownNotification
from notifications.models import Delivery, Notification
from notifications.wakeups import wake

MAIL = "mail"
# No mail reaches names under .invalid (RFC 2606): accounts of the product itself and of the demo.
UNREACHABLE_BY_MAIL = ".invalid"
LONGEST_BODY = 20_000


@transaction.atomic
def notify(
    *, recipients: Iterable[User], topic: str, subject: str, body: str, link: str, deduplication_key: str
) -> list[Notification]:
    """Tell each person once for the key, on their page and by mail; returns the messages that are new.

    What is meant for a program reaches the person who answers for it; disabled accounts hear nothing.
    """
    people = _people(recipients)
    wanted = [
        Notification(
            recipient_id=pk,
            topic=topic[:60],
            subject=one_line(subject)[:200],
            body=_printable(body)[:LONGEST_BODY],
            link=_own_path(link),
            deduplication_key=deduplication_key[:200],
        )
        for pk in people
    ]
    Notification.objects.bulk_create(wanted, ignore_conflicts=True)
    new = list(Notification.objects.filter(pk__in=[message.pk for message in wanted]))
    due_at = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(notification=message, channel=MAIL, due_at=due_at)
        for message in new
        if not people[message.recipient_id].endswith(UNREACHABLE_BY_MAIL)
    )
    if new:
        wake("notifications.tasks.deliver_due")
    return new


@transaction.atomic
def mark_read(*, actor: User, notification_id: uuid.UUID) -> Notification:
    """Note that the person has read the message; reading it again changes nothing."""
    message = Notification.objects.visible_to(actor).select_for_update().filter(pk=notification_id).first()
    if message is None:
        raise UnknownNotification("There is no such message.")
    if message.read_at is None:
        message.read_at = timezone.now()
        message.save(update_fields=["read_at"])
    return message


def mark_all_read(*, actor: User) -> int:
    """Note that the person has read everything that is there now; returns how many were unread."""
    return Notification.objects.visible_to(actor).unread().update(read_at=timezone.now())


def one_line(text: str) -> str:
    """The text without line breaks and control characters: fit for a mail header, whatever a person typed."""
    return " ".join(_printable(text).split())


def _people(recipients: Iterable[User]) -> dict[uuid.UUID, str]:
    """Who hears it: each active person once, by key, with their address."""
    keys = {user.person_id for user in recipients}
    return dict(User.objects.people().filter(pk__in=keys).order_by("email").values_list("pk", "email"))


def _printable(text: str) -> str:
    return "".join(
        character if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs") else " "
        for character in text
    )


def _own_path(link: str) -> str:
    """A path of this portal, or nothing: a message never leads elsewhere."""
    is_path = link.startswith("/") and not link.startswith(("//", "/\\")) and one_line(link) == link
    return link if is_path and len(link) <= 300 else ""
