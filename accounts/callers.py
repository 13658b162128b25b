"""Who stands behind a request."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.errors import NotPermitted
from accounts.models import User


def caller(request: HttpRequest | Request) -> User:
    """The account that is signed in, or whose token was shown; views that need one are closed to everybody else."""
    user = request.user
    if not isinstance(user, User):
        raise NotPermitted("Sign in first.")
    return user
