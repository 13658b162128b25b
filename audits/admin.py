"""Rows of this application, for looking only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from audits.models import Campaign, CampaignRow


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("quarter", "state", "opened_at", "deadline_at", "closed_at", "closed_by")
    list_select_related = ("closed_by",)


@admin.register(CampaignRow)
class CampaignRowAdmin(ReadOnlyAdmin):
    list_display = ("campaign", "entry", "team", "usage", "decision", "decided_by", "outcome")
    list_select_related = ("campaign", "entry", "team", "decided_by")
