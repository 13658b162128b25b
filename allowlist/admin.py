"""Entries and what is wanted, to read only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from allowlist.models import DesiredNamespace, Entry, EntryRevision


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("passport", "team", "created_at", "in_non_production", "in_production")
    search_fields = ("passport",)
    list_select_related = ("team", "in_non_production__entry", "in_production__entry")


@admin.register(EntryRevision)
class EntryRevisionAdmin(ReadOnlyAdmin):
    list_display = ("entry", "number", "kind", "destination", "ports", "expires_at", "approved_at", "promoted_at")
    list_select_related = ("entry",)


@admin.register(DesiredNamespace)
class DesiredNamespaceAdmin(ReadOnlyAdmin):
    list_display = ("enforcement_point", "namespace", "generation", "reason", "changed_at", "next_expiry_at")
    list_select_related = ("enforcement_point__cluster", "namespace__cluster")
