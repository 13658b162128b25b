"""Opening the quarter's campaign: once, with what is known of each entry at that moment."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from allowlist.models import Entry, EntryRevision
from audits.models import Campaign, CampaignRow
from audits.notices import tell_opened
from audits.quarters import deadline_for, quarter_of
from audits.snapshot import UsageLine, usage_lines
from ledger.services import record


@transaction.atomic
def ensure_campaign(at: datetime | None = None) -> Campaign | None:
    """The campaign of the quarter, opened by the first call that finds something to review and by no other.

    The unique quarter decides between callers at the same moment: the later one waits for the earlier and gets the
    campaign with its rows. ``None`` while nothing is in force.
    """
    at = at or timezone.now()
    quarter = quarter_of(at)
    known = Campaign.objects.filter(quarter=quarter).first()
    if known is not None:
        return known
    if not Entry.objects.in_force(at).exists():
        return None
    campaign, opened = Campaign.objects.get_or_create(
        quarter=quarter, defaults={"opened_at": at, "deadline_at": deadline_for(at)}
    )
    if opened:
        rows = _take_snapshot(campaign, at=at)
        record(
            "campaign.opened",
            actor=None,
            subject=campaign,
            rows=len(rows),
            deadline=campaign.deadline_at,
            on_silence=campaign.on_silence,
        )
        tell_opened(campaign, rows)
    return campaign


def _take_snapshot(campaign: Campaign, *, at: datetime) -> list[CampaignRow]:
    entries = list(
        Entry.objects.in_force(at).select_related("team", "in_non_production", "in_production").order_by("passport")
    )
    usage = usage_lines(entries, at=at)
    rows = [_row(campaign, entry, usage[entry.pk]) for entry in entries]
    return CampaignRow.objects.bulk_create(rows, batch_size=1000)


def _row(campaign: Campaign, entry: Entry, usage: UsageLine) -> CampaignRow:
    revision = current_revision(entry, at=campaign.opened_at)
    return CampaignRow(
        campaign=campaign,
        entry=entry,
        team=entry.team,
        destination=revision.destination,
        ports=revision.ports,
        justification=revision.justification,
        expires_at=revision.expires_at,
        entry_created_at=entry.created_at,
        last_seen_at=usage.last_seen_at,
        usage=usage.verdict,
        usage_reason=usage.reason[:300],
    )


def current_revision(entry: Entry, *, at: datetime) -> EntryRevision:
    """What the entry says where it is in force: production's word before that of non-production."""
    for revision in (entry.in_production, entry.in_non_production):
        if revision is not None and revision.is_in_force(at):
            return revision
    raise ValueError(f"{entry} is not in force")
