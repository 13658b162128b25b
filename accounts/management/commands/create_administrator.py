"""Make the first administrator of an installation."""

from __future__ import annotations

import getpass
import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import Role
from accounts.services import create_person, grant_role
from policy.errors import DomainError

PASSWORD_VARIABLE = "SALLYPORT_ADMINISTRATOR_PASSWORD"  # noqa: S105  the name of a variable


class Command(BaseCommand):
    help = (
        "Make the first administrator; refused once there is one. The password is asked for, "
        f"read from {PASSWORD_VARIABLE}, or made up and printed with --generate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="how the person is called; the address if not given")
        parser.add_argument("--generate", action="store_true", help="make up a password and print it once")

    def handle(self, *args: Any, **options: Any) -> None:
        password, made_up = _password(generate=options["generate"])
        try:
            with transaction.atomic():
                user = create_person(
                    actor=None,
                    email=options["email"],
                    display_name=options["name"] or options["email"],
                    password=password,
                )
                grant_role(actor=None, user_id=user.pk, role=Role.ADMINISTRATOR)
        except DomainError as error:
            raise CommandError(_in_words(error)) from error
        self.stdout.write(f"{user.email} administers this installation.")
        if made_up:
            self.stdout.write(f"Password, shown once: {password}")


def _password(*, generate: bool) -> tuple[str, bool]:
    if generate:
        return secrets.token_urlsafe(18), True
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE], False
    return getpass.getpass("Password: "), False


def _in_words(error: DomainError) -> str:
    fields = error.details.get("fields")
    reasons = [text for texts in fields.values() for text in texts] if isinstance(fields, dict) else []
    return " ".join(reasons) or error.message
