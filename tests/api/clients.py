"""Clients that call the API the way scripts do."""

from __future__ import annotations

from rest_framework.test import APIClient

from accounts.models import User
from tests.accounts.factories import token_of


def with_token(user: User, *scopes: str) -> APIClient:
    """A client that carries a token of the user, with the scopes or with every scope."""
    return carrying(token_of(user, *scopes))


def carrying(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client
