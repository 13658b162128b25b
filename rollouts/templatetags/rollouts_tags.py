"""What rollouts have to say on pages of lower applications. Each fragment takes a constant number of queries."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from allowlist.models import Entry, EntryRevision
from clusters.models import Cluster
from governance.models import EgressRequest
from rollouts.baseline import standpoints
from rollouts.looks import STANDING_LOOKS, Look, look_of
from rollouts.models import DriftFinding, NamespacePush, Rollout, RolloutTarget
from rollouts.permissions import may_compare, may_operate
from rollouts.stages import stages_of

register = template.Library()
MAX_ROWS = 300


@register.filter
def look(thing: Any) -> Look:
    """Tone and word of a rollout, target, push or finding."""
    return look_of(thing)


@register.filter
def standing(value: str) -> Look:
    return STANDING_LOOKS[value]


@register.inclusion_tag("rollouts/fragments/entry_deployments.html", takes_context=True)
def entry_deployments(context: template.Context, entry: Entry) -> dict[str, Any]:
    """Where each revision of the entry is: newest rollout first, with its targets."""
    rollouts = list(
        Rollout.objects.visible_to(context["user"])
        .filter(revision__entry=entry)
        .select_related("revision__entry")
        .order_by("-revision__number")[:20]
    )
    targets = RolloutTarget.objects.filter(rollout__in=rollouts[:1]).select_related(
        "enforcement_point__cluster__environment", "namespace"
    )
    return {"rollouts": rollouts, "targets": list(targets)[:MAX_ROWS], "request": context.get("request")}


@register.inclusion_tag("rollouts/fragments/cluster_enforcement.html", takes_context=True)
def cluster_enforcement(context: template.Context, cluster: Cluster) -> dict[str, Any]:
    """Baseline and drift of each enrolled namespace of the cluster that the user may see."""
    user = context["user"]
    rows = NamespacePush.objects.visible_to(user).filter(enforcement_point__cluster=cluster).for_lists()[:MAX_ROWS]
    findings = DriftFinding.objects.visible_to(user).open().filter(enforcement_point__cluster=cluster)
    return {
        "cluster": cluster,
        "standpoints": standpoints(rows, at=timezone.now()),
        "drift_count": findings.unaccepted(timezone.now()).count(),
        "may_compare": may_compare(user),
        "may_operate": may_operate(user),
        "request": context.get("request"),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("rollouts/fragments/request_rollout.html", takes_context=True)
def request_rollout(context: template.Context, request: EgressRequest) -> dict[str, Any]:
    """The rollout of what the request became, or nothing before it is approved."""
    revision = EntryRevision.objects.filter(request_id=request.pk).select_related("entry__team").first()
    rollout = (
        Rollout.objects.filter(revision=revision).select_related("proof__confirmed_by", "promoted_by").first()
        if revision
        else None
    )
    stages = []
    if rollout is not None:
        rollout.revision = revision
        stages = stages_of(rollout, list(rollout.targets.all()))
    return {"revision": revision, "rollout": rollout, "stages": stages}
