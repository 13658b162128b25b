"""Requests and decisions, to read only: the administration site changes nothing that has a workflow."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from governance.models import Approval, EgressRequest


@admin.register(EgressRequest)
class EgressRequestAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "state", "team", "destination", "requester", "created_at")
    list_filter = ("state", "kind")
    search_fields = ("destination",)
    list_select_related = ("team", "requester")


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("request", "decision", "role", "reviewer", "decided_at", "voided_at")
    list_filter = ("decision",)
    list_select_related = ("request", "reviewer")
