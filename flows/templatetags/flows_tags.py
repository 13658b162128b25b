"""What flows have to say on pages of lower applications. Each fragment takes a constant number of queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from allowlist.models import Entry
from clusters.models import Cluster
from clusters.states import Look
from flows.coverage import covered_hours
from flows.models import FlowSource
from flows.usage import Usage, usage_of

register = template.Library()
COVERAGE_WINDOW = timedelta(days=1)


@register.inclusion_tag("flows/entry_usage.html")
def entry_usage(entry: Entry) -> dict[str, Any]:
    """Whether the entry is used, by whom, and how far the logs can be believed."""
    usage = usage_of([entry])[entry.pk]
    return {"usage": usage, "look": look_of_usage(usage)}


@register.inclusion_tag("flows/cluster_flow_sources.html")
def cluster_flow_sources(cluster: Cluster) -> dict[str, Any]:
    """Who sends flow records of the cluster, and how much of the last day they cover."""
    now = timezone.now()
    known = covered_hours([cluster.pk], since=now - COVERAGE_WINDOW, until=now)
    return {
        "cluster": cluster,
        "sources": list(FlowSource.objects.filter(cluster=cluster, revoked_at=None).order_by("name")),
        "coverage": known.over([cluster.pk], since=now - COVERAGE_WINDOW),
    }


@register.simple_tag
def source_state(source: FlowSource) -> Look:
    """Green is only what delivered a short time ago."""
    return look_of_source(source, at=timezone.now())


def look_of_source(source: FlowSource, *, at: datetime) -> Look:
    if source.revoked_at is not None:
        return Look("muted", "ban", _("Revoked"), "")
    if source.last_batch_at is None:
        return Look("warning", "clock", _("Nothing delivered yet"), "")
    if source.last_batch_at < at - timedelta(seconds=settings.UNKNOWN_AFTER_SECONDS):
        return Look("danger", "help-circle", _("Silent"), "")
    return Look("success", "circle-check", _("Delivering"), "")


def look_of_usage(usage: Usage) -> Look:
    """Unused is not said where nobody could have seen it used."""
    if usage.verdict == "used":
        return Look("success", "activity", _("Used"), "")
    if usage.verdict == "unused":
        return Look("warning", "circle-minus", _("Not used"), _("The logs covered all of this time."))
    return Look("muted", "help-circle", _("Not known"), _("The logs do not cover all of this time."))
