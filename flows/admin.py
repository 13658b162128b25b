"""Rows of this application, for looking only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from flows.models import CoverageGap, EntryUsage, FlowBatch, FlowRollup, FlowSource


@admin.register(FlowSource)
class FlowSourceAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "name", "token_prefix", "created_by", "last_batch_at", "revoked_at")
    list_select_related = ("cluster", "created_by")
    fields = (*list_display, "format", "created_at", "newest_flow_at")


@admin.register(FlowBatch)
class FlowBatchAdmin(ReadOnlyAdmin):
    list_display = ("source", "batch_key", "received_at", "lines", "flows", "skipped", "rejected")
    list_select_related = ("source__cluster",)


@admin.register(FlowRollup)
class FlowRollupAdmin(ReadOnlyAdmin):
    list_display = (
        "hour",
        "cluster",
        "namespace",
        "workload",
        "destination_name",
        "destination_address",
        "port",
        "verdict",
    )
    list_select_related = ("cluster",)
    show_full_result_count = False


@admin.register(EntryUsage)
class EntryUsageAdmin(ReadOnlyAdmin):
    list_display = ("entry", "day", "cluster", "namespace", "workload", "flow_count", "last_seen_at")
    list_select_related = ("entry", "cluster")
    show_full_result_count = False


@admin.register(CoverageGap)
class CoverageGapAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "source", "node", "started_at", "ended_at", "lost", "reason")
    list_select_related = ("cluster", "source__cluster")
