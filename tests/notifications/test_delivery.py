"""Mail on its way: from rows, with retries, never twice at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import disable_account
from notifications import delivery
from notifications.models import Delivery
from notifications.services import notify
from notifications.tasks import deliver_due
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _portal(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PUBLIC_ADDRESS = "https://sallyport.example"


def due_message(person: User | None = None, *, subject: str = "Subject", key: str = "key") -> Delivery:
    recipient = person or factories.person()
    (message,) = notify(
        recipients=[recipient], topic="test", subject=subject, body="Body", link="/teams/", deduplication_key=key
    )
    return message.deliveries.get()


class BrokenBackend(EmailBackend):
    """A mail server that hangs up."""

    def send_messages(self, _messages) -> int:
        raise SMTPServerDisconnected("Connection unexpectedly closed\r\nX: y")


def broken(settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"


def test_a_due_mail_is_sent_once_with_a_link_to_the_portal() -> None:
    due = due_message()

    deliver_due()
    deliver_due()

    (message,) = mail.outbox
    assert message.to == [due.notification.recipient.email]
    assert "https://sallyport.example/teams/" in message.body
    assert str(due.pk) in message.extra_headers["Message-ID"]
    assert Delivery.objects.get().state == Delivery.State.SENT


def test_no_header_can_be_smuggled_in_through_a_subject() -> None:
    due_message(subject="Approved\r\nBcc: everybody@example.com\r\n\r\nHello")

    deliver_due()

    raw = mail.outbox[0].message()
    assert "Bcc" not in raw
    assert raw["Subject"] == "Approved Bcc: everybody@example.com Hello"


def test_a_failure_is_tried_again_later_and_later(settings) -> None:
    due_message()
    broken(settings)
    now, pauses = timezone.now(), []

    for _ in range(4):
        assert delivery.deliver_due(at=now) == 0
        row = Delivery.objects.get()
        pauses.append(row.due_at - now)
        now = row.due_at

    assert row.state == Delivery.State.DUE
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    assert "\n" not in row.last_error
    assert "SMTPServerDisconnected" in row.last_error


def test_after_enough_failures_it_is_given_up_and_said_so(settings) -> None:
    due_message()
    broken(settings)
    now = timezone.now()

    for _ in range(delivery.MOST_ATTEMPTS + 2):
        delivery.deliver_due(at=now)
        now += timedelta(days=1)

    row = Delivery.objects.get()
    assert (row.state, row.attempts) == (Delivery.State.FAILED, delivery.MOST_ATTEMPTS)


def test_it_arrives_once_the_server_is_back(settings) -> None:
    due_message()
    working = settings.EMAIL_BACKEND
    broken(settings)
    delivery.deliver_due()
    settings.EMAIL_BACKEND = working

    assert delivery.deliver_due() == 0, "not before its time"
    assert delivery.deliver_due(at=timezone.now() + timedelta(hours=1)) == 1


def test_one_bad_address_does_not_hold_up_the_others(settings) -> None:
    bad, good = factories.person("bad"), factories.person("good")
    User.objects.filter(pk=bad.pk).update(email="bad\n@example.com")
    due_message(bad)
    due_message(good)

    deliver_due()

    assert [message.to for message in mail.outbox] == [[good.email]]
    assert Delivery.objects.get(notification__recipient=bad).state == Delivery.State.FAILED


def test_a_person_disabled_meanwhile_gets_no_mail() -> None:
    person = factories.person()
    due_message(person)
    disable_account(actor=factories.administrator(), user_id=person.pk)

    deliver_due()

    assert not mail.outbox
    assert Delivery.objects.get().state == Delivery.State.FAILED


def test_a_claim_whose_holder_died_falls_due_again() -> None:
    due_message()
    now = timezone.now()
    assert len(delivery.claim(at=now)) == 1

    assert delivery.deliver_due(at=now) == 0
    assert delivery.deliver_due(at=now + delivery.HELD_FOR + timedelta(seconds=1)) == 1


def test_a_slow_holder_does_not_overwrite_the_outcome_of_the_next() -> None:
    due_message()
    now = timezone.now()
    (slow,) = delivery.claim(at=now)
    later = now + delivery.HELD_FOR + timedelta(seconds=1)
    delivery.deliver_due(at=later)

    delivery._note_failure(slow, OSError("late"), at=later)

    assert Delivery.objects.get().state == Delivery.State.SENT


def _claim_and_hold(at: datetime, entered: threading.Barrier, release: threading.Event, found: list[Delivery]) -> None:
    try:
        with transaction.atomic():
            found += delivery.claim(at=at, limit=3)
            entered.wait(timeout=10)
            release.wait(timeout=10)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_never_take_the_same_row() -> None:
    for number in range(6):
        due_message(key=str(number))
    at, entered, release = timezone.now(), threading.Barrier(3), threading.Event()
    found: list[list[Delivery]] = [[], []]
    workers = [threading.Thread(target=_claim_and_hold, args=(at, entered, release, mine)) for mine in found]
    for worker in workers:
        worker.start()
    entered.wait(timeout=10)
    release.set()
    for worker in workers:
        worker.join(timeout=10)

    taken = [row.pk for mine in found for row in mine]
    assert len(taken) == len(set(taken)) == 6
