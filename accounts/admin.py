"""Rows of this application, for looking only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from accounts.models import ApiToken, Membership, Team, User


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "display_name", "is_active", "is_automation", "last_login")
    search_fields = ("email", "display_name")
    fields = (
        "email",
        "display_name",
        "is_active",
        "is_automation",
        "responsible",
        "groups",
        "last_login",
        "date_joined",
    )


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "contact", "created_at")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("team", "user", "kind", "created_at")
    list_select_related = ("team", "user")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("label", "token_key", "user", "scopes", "expiry", "last_used_at")
    list_select_related = ("user",)
    # The row's key is the digest: it is neither shown nor linked to.
    list_display_links = None
    fields = ("label", "token_key", "user", "scopes", "created", "expiry", "last_used_at")
