"""Tokens and automation accounts for tests, made by the services."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Scope, User
from accounts.services import create_automation_account, issue_token
from tests import factories


def token_of(user: User, *scopes: str, expires_at: datetime | None = None) -> str:
    """A secret that opens the user's account, with the scopes, or with every scope where none is named."""
    actor = user.responsible or user
    _token, secret = issue_token(
        actor=actor,
        user_id=user.pk,
        label="test",
        scopes=scopes or Scope.values,
        expires_at=expires_at or timezone.now() + timedelta(days=1),
    )
    return secret


def robot_of(person: User, name: str = "robot") -> User:
    return create_automation_account(
        actor=factories.administrator(), email=f"{name}@example.com", display_name=name.title(), responsible=person
    )
