"""Who hears what, once."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from accounts.models import User
from accounts.services import create_person, disable_account, system_account
from notifications.errors import UnknownNotification
from notifications.models import Delivery, Notification
from notifications.services import mark_all_read, mark_read, notify
from tests import factories
from tests.accounts.factories import robot_of

pytestmark = pytest.mark.django_db


def tell(*recipients: User, key: str = "key", subject: str = "Subject", body: str = "Body", link: str = "/teams/"):
    return notify(recipients=recipients, topic="test", subject=subject, body=body, link=link, deduplication_key=key)


def test_each_person_is_told_once_for_a_key() -> None:
    one, two = factories.person(), factories.person()

    first, second = tell(one, two, one), tell(one, two)

    assert {message.recipient for message in first} == {one, two}
    assert second == []
    assert Notification.objects.count() == Delivery.objects.count() == 2


def test_another_key_is_another_message() -> None:
    person = factories.person()

    tell(person, key="a")
    tell(person, key="b")

    assert Notification.objects.count() == 2


def test_what_is_meant_for_a_program_reaches_the_person_who_answers_for_it() -> None:
    person = factories.person()
    robot = robot_of(person)

    (message,) = tell(robot, person)

    assert message.recipient == person


def test_disabled_accounts_and_the_product_itself_hear_nothing() -> None:
    person = factories.person()
    disable_account(actor=factories.administrator(), user_id=person.pk)

    assert tell(person, system_account(email="x@sallyport.invalid", display_name="X")) == []
    assert not Delivery.objects.exists()


def test_an_address_that_no_mail_reaches_gets_the_message_on_the_page_only() -> None:
    demo = create_person(actor=factories.administrator(), email="d@demo.sallyport.invalid", display_name="Demo")

    assert len(tell(demo)) == 1
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x0b", "\u0085", "\x00", "\u2028"])
def test_a_subject_is_one_line_whatever_somebody_typed(break_: str) -> None:
    (message,) = tell(factories.person(), subject=f"Approved{break_}Bcc: all@example.com")

    assert message.subject == "Approved Bcc: all@example.com"


def test_long_texts_are_cut_not_refused() -> None:
    (message,) = tell(factories.person(), subject="s" * 1000, body="b" * 50_000, key="k" * 1000)

    assert (len(message.subject), len(message.body), len(message.deduplication_key)) == (200, 20_000, 200)


@pytest.mark.parametrize(
    "link", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb", "/" + "a" * 400]
)
def test_a_link_never_leads_elsewhere(link: str) -> None:
    (message,) = tell(factories.person(), link=link)

    assert message.link == ""


def test_reading_marks_once_and_only_ones_own() -> None:
    me, other = factories.person(), factories.person()
    mine, theirs = tell(me)[0], tell(other)[0]

    first = mark_read(actor=me, notification_id=mine.pk).read_at
    second = mark_read(actor=me, notification_id=mine.pk).read_at

    assert first == second is not None
    with pytest.raises(UnknownNotification):
        mark_read(actor=me, notification_id=theirs.pk)


def test_marking_all_read_leaves_others_alone() -> None:
    me, other = factories.person(), factories.person()
    tell(me, key="a")
    tell(me, key="b")
    tell(other)

    assert mark_all_read(actor=me) == 2
    assert Notification.objects.visible_to(other).unread().count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_message_from_two_sides_at_once_is_one() -> None:
    person = factories.person()
    start, failures = threading.Barrier(2), []

    def tell_at_once() -> None:
        try:
            start.wait(timeout=10)
            tell(person)
        except Exception as error:  # noqa: BLE001  told to the test, which fails on any
            failures.append(error)
        finally:
            connections.close_all()

    tellers = [threading.Thread(target=tell_at_once) for _ in range(2)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(timeout=30)

    assert not failures
    assert Notification.objects.count() == Delivery.objects.count() == 1
