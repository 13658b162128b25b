"""What a token may do: the scopes that it carries, whatever else its account may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import SAFE_METHODS, BasePermission

from accounts.models import ApiToken, Scope
from policy.errors import DomainError

if TYPE_CHECKING:
    # The framework reads this module while it makes its own views.
    from rest_framework.request import Request
    from rest_framework.views import APIView


class ScopeMissing(DomainError):
    """The token is good, but was not issued for this."""

    code = "scope_missing"
    kind = "forbidden"


class InScope(BasePermission):
    """Signed in; and, for a token, the scope that the view asks for.

    A view states ``required_scopes = {"read": …, "write": …}`` and, for single actions, ``action_scopes``. One that
    states nothing may be read with ``read`` and written with ``administer`` only.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return False
        if isinstance(request.auth, ApiToken):
            needed = scope_needed(view, method=request.method or "")
            if needed not in request.auth.scopes:
                raise ScopeMissing(f"This needs a token with the scope “{needed}”.", details={"scope": needed})
        return True


def scope_needed(view: Any, *, method: str) -> str:
    """The scope for one call of the view."""
    by_action = getattr(view, "action_scopes", {})
    action = getattr(view, "action", None)
    if action in by_action:
        return str(by_action[action])
    scopes = {"read": Scope.READ, "write": Scope.ADMINISTER, **getattr(view, "required_scopes", {})}
    return str(scopes["read" if method in SAFE_METHODS else "write"])
