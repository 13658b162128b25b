"""Rows of the trail, for looking only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from ledger.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "recorded_at", "action", "actor_name", "origin", "subject_name")
    list_filter = ("origin",)
    search_fields = ("action", "actor_name", "subject_name")
