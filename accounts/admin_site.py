"""An admin site that shows rows to administrators and auditors and changes nothing."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.models import Role

ROLES = (Role.ADMINISTRATOR, Role.AUDITOR)


def may_look(request: HttpRequest) -> bool:
    user = request.user
    return user.is_authenticated and any(user.has_role(role) for role in ROLES)


class ReadOnlySite(admin.AdminSite):
    """People come in through the portal's own sign-in page, which is throttled."""

    site_header = site_title = "Sallyport"
    index_title = "Rows, for looking"

    def register(
        self, model_or_iterable: Any, admin_class: type[admin.ModelAdmin] | None = None, **options: Any
    ) -> None:
        """Only rows that are shown read-only; what libraries would register for editing is left out."""
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return may_look(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", "/"))


class ReadOnlyAdmin(admin.ModelAdmin):
    """No add, no change, no delete, no actions: every write goes through a service."""

    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_look(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_look(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
