"""The page of one's own messages."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from notifications.models import Notification
from notifications.services import notify
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def told(person: User, *, count: int = 1, link: str = "/teams/", subject: str = "Please review") -> Notification:
    for number in range(count):
        (message,) = notify(
            recipients=[person],
            topic="test",
            subject=subject,
            body="Body",
            link=link,
            deduplication_key=f"{Notification.objects.count()}-{number}",
        )
    return message


def unread(user: User) -> str:
    return Template("{% load notifications_tags %}{% unread_count %}").render(Context({"user": user}))


def test_a_person_sees_their_own_messages_only() -> None:
    me, other = factories.person(), factories.person()
    told(me, subject="For me")
    told(other, subject="For somebody else")

    page = signed_in(me).get(reverse("notifications:list")).content.decode()

    assert "For me" in page
    assert "For somebody else" not in page


def test_opening_a_message_marks_it_read_and_leads_on() -> None:
    me = factories.person()
    message = told(me)

    response = signed_in(me).post(reverse("notifications:read", args=[message.pk]), {"open": "1"})

    assert response["Location"] == "/teams/"
    assert unread(me) == "0"


def test_marking_read_stays_on_the_list() -> None:
    me = factories.person()
    message = told(me)

    response = signed_in(me).post(reverse("notifications:read", args=[message.pk]))

    assert response["Location"] == reverse("notifications:list")


def test_nothing_is_marked_by_a_link() -> None:
    me = factories.person()
    message = told(me)

    assert signed_in(me).get(reverse("notifications:read", args=[message.pk])).status_code == 405
    assert unread(me) == "1"


def test_somebody_elses_message_is_not_found() -> None:
    message = told(factories.person())

    response = signed_in(factories.administrator()).post(reverse("notifications:read", args=[message.pk]))

    assert response.status_code == 404


def test_the_list_can_be_narrowed_to_unread_and_cleared_at_once() -> None:
    me = factories.person()
    client = signed_in(me)
    told(me, count=3)

    before = len(client.get(reverse("notifications:list"), {"unread": "1"}).context["page_obj"])
    client.post(reverse("notifications:read-all"))
    after = len(client.get(reverse("notifications:list"), {"unread": "1"}).context["page_obj"])

    assert (before, after) == (3, 0)


def test_the_unread_count_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    me = factories.person()
    told(me, count=3)

    with django_assert_num_queries(1):
        assert unread(me) == "3"


@pytest.mark.parametrize("count", [2, 12])
def test_the_list_takes_the_same_number_of_queries_however_long(
    django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    me = factories.person()
    told(me, count=count)
    client = signed_in(me)

    with django_assert_max_num_queries(6):
        client.get(reverse("notifications:list"))
