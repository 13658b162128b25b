"""Rows of this application, for looking only. The sealed credential is not even shown sealed."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from clusters.models import Cluster, ClusterCredential, Contact, EnforcementPoint, Environment, Namespace


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "tier", "position")


@admin.register(Cluster)
class ClusterAdmin(ReadOnlyAdmin):
    list_display = ("name", "environment", "owner_team", "state", "state_since", "version", "retired_at")
    list_select_related = ("environment", "owner_team")
    search_fields = ("name",)


@admin.register(ClusterCredential)
class ClusterCredentialAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "kind", "fingerprint", "key_id", "created_by", "created_at", "expires_at")
    list_select_related = ("cluster", "created_by")
    fields = list_display


@admin.register(EnforcementPoint)
class EnforcementPointAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "layer", "dialect", "dialect_version", "found_at")
    list_select_related = ("cluster",)


@admin.register(Namespace)
class NamespaceAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "name", "team", "workload_count", "gone_at")
    list_select_related = ("cluster", "team")
    search_fields = ("name",)


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ("cluster", "kind", "state", "requested_by", "requested_at", "finished_at", "attempts", "verdict")
    list_select_related = ("cluster", "requested_by")
