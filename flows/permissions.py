"""Who decides about flow sources: those who run the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from accounts.models import User
from clusters.permissions import may_run_fleet
from flows.errors import SourceForbidden

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request


def account_of(request: HttpRequest | Request) -> User:
    """The account that is signed in; whoever is none has no business here."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def check_may_manage_sources(actor: User) -> None:
    if not may_run_fleet(actor):
        raise SourceForbidden("Only platform engineers and administrators decide who may send flow records.")
