"""Who runs the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from accounts.models import Role, User
from clusters.errors import FleetForbidden

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

RUNS_THE_FLEET = (Role.PLATFORM_ENGINEER, Role.ADMINISTRATOR)


def account_of(request: HttpRequest | Request) -> User:
    """The account that is signed in; whoever is none has no business here."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def may_run_fleet(user: User) -> bool:
    """Register, edit, contact and retire clusters, and say which team answers for a namespace."""
    return any(user.has_role(role) for role in RUNS_THE_FLEET)


def check_may_run_fleet(actor: User) -> None:
    if not may_run_fleet(actor):
        raise FleetForbidden("Only platform engineers and administrators run the fleet.")
