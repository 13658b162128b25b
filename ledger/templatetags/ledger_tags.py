"""The trail on the pages of what it tells of."""

from __future__ import annotations

from typing import Any

from django import template
from django.db import models

from accounts.models import User
from ledger.models import LedgerEntry

register = template.Library()
SHOWN = 50


@register.inclusion_tag("ledger/story.html", takes_context=True)
def story(context: template.Context, *subjects: models.Model | None) -> dict[str, Any]:
    """What happened to any of the subjects, newest first, as far as the reader may know; one query."""
    user = context.get("user")
    pairs = [(subject._meta.label_lower, subject.pk) for subject in subjects if subject is not None]
    if not isinstance(user, User) or not pairs:
        return {"entries": [], "more": ""}
    found = list(LedgerEntry.objects.visible_to(user).about_any(pairs).order_by("-sequence")[: SHOWN + 1])
    more = f"{pairs[0][0]}:{pairs[0][1]}" if len(found) > SHOWN else ""
    return {"entries": found[:SHOWN], "more": more}
