"""Requests on the pages of what they concern, and their states in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allowlist.models import Entry
from governance.models import Approval, EgressRequest
from governance.needs import role_label
from policy.bundles import Fidelity

register = template.Library()

_STATES = {
    "draft": ("muted", "edit"),
    "in-review": ("info", "hourglass"),
    "changes-requested": ("warning", "message"),
    "approved": ("success", "check"),
    "rejected": ("danger", "x"),
    "withdrawn": ("muted", "arrow-back-up"),
    "lapsed": ("muted", "clock"),
    "covered": ("success", "shield-check"),
}
_SEVERITIES = {
    "none": ("success", "check", gettext_lazy("No risk found")),
    "low": ("muted", "info-circle", gettext_lazy("Low risk")),
    "medium": ("warning", "alert-triangle", gettext_lazy("Medium risk")),
    "high": ("danger", "alert-triangle", gettext_lazy("High risk")),
    "refuse": ("danger", "ban", gettext_lazy("Refused")),
}
_VERDICTS = {
    "exact": ("success", "check", gettext_lazy("Exact")),
    "narrowed": ("warning", "circle-minus", gettext_lazy("Narrower than asked")),
    "widened": ("danger", "alert-triangle", gettext_lazy("Wider than asked")),
    "impossible": ("danger", "ban", gettext_lazy("Impossible there")),
}
_DECISIONS = {
    "approve": ("success", "check"),
    "reject": ("danger", "x"),
    "request-changes": ("warning", "message"),
}
SHOWN = 20


@register.inclusion_tag("components/badge.html")
def request_state(request: EgressRequest) -> dict[str, Any]:
    """The state as a badge."""
    tone, icon = _STATES[request.state]
    return {"tone": tone, "icon": icon, "word": request.get_state_display()}


@register.inclusion_tag("components/badge.html")
def severity(value: str | None) -> dict[str, Any]:
    """A severity of risk as a badge."""
    tone, icon, word = _SEVERITIES.get(value or "none", _SEVERITIES["none"])
    return {"tone": tone, "icon": icon, "word": word}


@register.inclusion_tag("components/badge.html")
def fidelity(value: Fidelity | dict[str, Any]) -> dict[str, Any]:
    """How faithfully a target carries an entry, as a badge with its reason."""
    verdict, reason = (value["verdict"], value["reason"]) if isinstance(value, dict) else (value.verdict, value.reason)
    tone, icon, word = _VERDICTS[verdict]
    return {"tone": tone, "icon": icon, "word": word, "reason": reason}


@register.inclusion_tag("components/badge.html")
def decision(approval: Approval) -> dict[str, Any]:
    """One decision as a badge; a voided one says so."""
    if approval.voided_at is not None:
        return {"tone": "muted", "icon": "circle-minus", "word": _("Void"), "reason": approval.voided_because}
    tone, icon = _DECISIONS[approval.decision]
    return {"tone": tone, "icon": icon, "word": approval.get_decision_display()}


@register.filter
def role_word(role: str) -> str:
    return role_label(role)


@register.filter
def needed(request: EgressRequest) -> int:
    """How many approvals the request needs in all."""
    return sum(need["count"] for need in request.needs)


@register.inclusion_tag("governance/entry_requests.html", takes_context=True)
def entry_requests(context: template.Context, entry: Entry) -> dict[str, Any]:
    """The requests that made and changed the entry, newest first; one query."""
    user = context["user"]
    known = EgressRequest.objects.visible_to(user).filter(entry=entry).for_listing().order_by("-number")
    found = list(known[: SHOWN + 1])
    return {"requests": found[:SHOWN], "more": len(found) > SHOWN, "entry": entry}
