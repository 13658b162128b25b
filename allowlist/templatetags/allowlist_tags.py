"""Entries in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import gettext as _

from allowlist.models import Entry, EntryRevision
from allowlist.querysets import EXPIRED, IN_FORCE, NON_PRODUCTION

register = template.Library()


@register.inclusion_tag("components/badge.html")
def entry_state(entry: Entry) -> dict[str, Any]:
    """Where an entry stands, as a badge; expects an entry that carries its state."""
    if entry.state == IN_FORCE:
        return {"tone": "success", "icon": "shield-check", "word": _("In force")}
    if entry.state == NON_PRODUCTION:
        return {"tone": "info", "icon": "hourglass", "word": _("Non-production only")}
    if entry.state == EXPIRED:
        return {"tone": "muted", "icon": "clock", "word": _("Ended")}
    return {"tone": "muted", "icon": "shield-off", "word": _("Revoked")}


@register.inclusion_tag("components/badge.html")
def tier_state(revision: EntryRevision | None, at: datetime) -> dict[str, Any]:
    """What one tier carries, as a badge with the reason."""
    if revision is None:
        return {
            "tone": "muted",
            "icon": "hourglass",
            "word": _("Not there yet"),
            "reason": _("It waits for promotion."),
        }
    number = _("Revision %(number)s") % {"number": revision.number}
    if revision.kind == EntryRevision.Kind.REVOCATION:
        return {"tone": "muted", "icon": "shield-off", "word": _("Revoked"), "reason": number}
    if not revision.is_in_force(at):
        return {"tone": "muted", "icon": "clock", "word": _("Ended"), "reason": number}
    return {"tone": "success", "icon": "check", "word": _("Wanted"), "reason": number}


@register.filter
def labels(value: dict[str, str]) -> str:
    """Labels as a person writes them."""
    return ", ".join(f"{key}={word}" for key, word in sorted(value.items()))
