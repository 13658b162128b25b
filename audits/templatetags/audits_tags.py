"""What the reviews have to say on pages of lower applications, and how their states are shown."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.utils.translation import gettext_lazy as _

from allowlist.models import Entry
from audits.models import CampaignRow
from governance.models import EgressRequest
from ledger.templatetags.ledger_tags import story
from rollouts.models import Rollout

register = template.Library()


class Look(NamedTuple):
    tone: str
    word: object


USAGES = {
    "used": Look("success", _("Used")),
    "unused": Look("warning", _("Unused")),
    "unknown": Look("muted", _("Not known")),
}
DECISIONS = {
    "": Look("muted", _("Undecided")),
    CampaignRow.Decision.KEEP: Look("success", _("Keep")),
    CampaignRow.Decision.REVOKE: Look("danger", _("Revoke")),
}


@register.filter
def usage_look(row: CampaignRow) -> Look:
    return USAGES[row.usage]


@register.filter
def decision_look(row: CampaignRow) -> Look:
    return DECISIONS[row.decision]


@register.inclusion_tag("audits/fragments/entry_reviews.html", takes_context=True)
def entry_reviews(context: template.Context, entry: Entry) -> dict[str, Any]:
    """Every review of the entry: what was known, who decided what, and what came of it."""
    rows = (
        CampaignRow.objects.visible_to(context["user"])
        .filter(entry=entry)
        .select_related("campaign", "decided_by", "request")
        .order_by("-campaign__quarter")
    )
    return {"rows": rows[:50]}


@register.inclusion_tag("ledger/story.html", takes_context=True)
def entry_story(context: template.Context, entry: Entry) -> dict[str, Any]:
    """What happened to the entry from its first request to its last rollout, as far as the reader may know."""
    requests = EgressRequest.objects.filter(entry=entry)
    rollouts = Rollout.objects.filter(revision__entry=entry)
    rows = CampaignRow.objects.filter(entry=entry)
    return story(context, entry, *requests, *rollouts, *rows)
