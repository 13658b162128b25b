"""Rows of this application, for looking only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from rollouts.models import Bundle, DriftFinding, NamespacePush, Proof, Rollout, RolloutTarget


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    list_display = ("revision", "state", "started_at", "state_since", "completed_at")
    list_select_related = ("revision__entry",)


@admin.register(RolloutTarget)
class RolloutTargetAdmin(ReadOnlyAdmin):
    list_display = ("rollout", "namespace", "tier", "state", "reason", "verified_at")
    list_select_related = ("rollout__revision__entry", "namespace__cluster")


@admin.register(Proof)
class ProofAdmin(ReadOnlyAdmin):
    list_display = ("rollout", "confirmed_by", "confirmed_at")
    list_select_related = ("rollout__revision__entry", "confirmed_by")


@admin.register(Bundle)
class BundleAdmin(ReadOnlyAdmin):
    list_display = ("namespace", "generation", "dialect", "hash", "compiled_at")
    list_select_related = ("namespace__cluster",)


@admin.register(NamespacePush)
class NamespacePushAdmin(ReadOnlyAdmin):
    list_display = ("namespace", "state", "due_at", "attempts", "last_error", "published_at", "compared_at")
    list_select_related = ("namespace__cluster",)


@admin.register(DriftFinding)
class DriftFindingAdmin(ReadOnlyAdmin):
    list_display = ("namespace", "kind", "name", "difference", "found_at", "resolution")
    list_select_related = ("namespace__cluster",)
