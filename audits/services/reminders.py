"""Reminding the people whose rows are open, a week and a day before the deadline, once each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audits.models import Campaign, CampaignRow
from audits.notices import tell_reminder

# How long before the deadline each reminder goes out; the position is what a row counts.
REMINDERS = (timedelta(days=7), timedelta(days=1))


def remind(at: datetime | None = None) -> int:
    """Send the reminders that are due and return how many rows they are about; late calls send the latest only."""
    at = at or timezone.now()
    campaigns = Campaign.objects.filter(state=Campaign.State.OPEN, deadline_at__gt=at)
    return sum(_remind_campaign(campaign, at=at) for campaign in campaigns)


@transaction.atomic
def _remind_campaign(campaign: Campaign, *, at: datetime) -> int:
    passed = sum(campaign.deadline_at - at <= before for before in REMINDERS)
    if not passed:
        return 0
    rows = list(
        CampaignRow.objects.undecided()
        .filter(campaign=campaign, reminder_count__lt=passed)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("team")
    )
    if not rows:
        return 0
    CampaignRow.objects.filter(pk__in=[row.pk for row in rows]).update(reminder_count=passed, reminded_at=at)
    tell_reminder(campaign, rows, number=passed)
    return len(rows)
