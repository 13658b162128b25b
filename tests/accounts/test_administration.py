"""The admin site shows and never writes; the first administrator is made by a command."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin_site import ReadOnlyAdmin, ReadOnlySite
from accounts.models import Role, User
from ledger.verification import verify
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_admin_site_registers_nothing_that_can_be_edited() -> None:
    assert isinstance(admin.site._wrapped if hasattr(admin.site, "_wrapped") else admin.site, ReadOnlySite)
    assert admin.site._registry
    assert all(isinstance(shown, ReadOnlyAdmin) for shown in admin.site._registry.values())


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_who_may_look_sees_every_list_and_no_way_to_write(role: str) -> None:
    client = signed_in(factories.person(roles=(role,)))

    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{base}_changelist")).status_code == 200, model
        assert client.get(reverse(f"{base}_add")).status_code == 403, model


def test_rows_can_be_looked_at_but_neither_changed_nor_deleted() -> None:
    client, person = signed_in(factories.administrator()), factories.person()
    page = reverse("admin:accounts_user_change", args=[person.pk])

    assert client.get(page).status_code == 200
    assert client.post(page, {"email": "x@example.com", "is_superuser": "on"}).status_code == 403
    assert client.post(reverse("admin:accounts_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 403
    assert User.objects.get(pk=person.pk).email == person.email


@pytest.mark.parametrize("role", [Role.SECURITY_REVIEWER, Role.PLATFORM_ENGINEER, None])
def test_nobody_else_gets_in_not_even_with_the_flags_of_the_framework(role: str | None) -> None:
    person = factories.person(roles=(role,) if role else ())
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)

    response = signed_in(person).get(reverse("admin:index"), follow=True)

    assert response.status_code == 403


def test_the_admin_site_has_no_door_of_its_own(client: Client) -> None:
    response = client.post(reverse("admin:login"), {"username": "admin@example.com", "password": PASSWORD})

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("accounts:sign-in"))


def test_the_command_makes_the_first_administrator_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALLYPORT_ADMINISTRATOR_PASSWORD", PASSWORD)
    call_command("create_administrator", "Root@Example.com", name="Root", stdout=StringIO())

    user = User.objects.get()
    assert user.has_role(Role.ADMINISTRATOR)
    assert user.check_password(PASSWORD)
    assert not user.is_superuser
    assert verify().checked == 2
    with pytest.raises(CommandError):
        call_command("create_administrator", "second@example.com", stdout=StringIO())


def test_the_command_prints_a_generated_password_once() -> None:
    out = StringIO()

    call_command("create_administrator", "root@example.com", generate=True, stdout=out)

    assert User.objects.get().check_password(out.getvalue().strip().rsplit(" ", 1)[1])


@pytest.mark.parametrize(("email", "password"), [("no address", PASSWORD), ("a@example.com", "short")])
def test_the_command_refuses_what_the_service_refuses(
    monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    monkeypatch.setenv("SALLYPORT_ADMINISTRATOR_PASSWORD", password)

    with pytest.raises(CommandError):
        call_command("create_administrator", email, stdout=StringIO())

    assert not User.objects.exists()


@pytest.mark.parametrize("page", ["accounts:people", "accounts:teams"])
def test_a_list_takes_the_same_number_of_queries_however_long(page: str) -> None:
    client, counts = signed_in(factories.administrator()), []

    for more in (2, 10):
        for _ in range(more):
            factories.lead(factories.team())
        client.get(reverse(page))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(page))
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 10
