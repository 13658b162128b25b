"""Closing a campaign, and carrying out what was decided or what silence means: each row exactly once."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import system_account
from audits.errors import NotYetOver, UnknownCampaign
from audits.models import Campaign, CampaignRow
from audits.permissions import check_may_close
from audits.states import next_state
from governance.errors import EntryNotInForce, OpenRequestExists
from governance.models import EgressRequest
from governance.services import create_request
from ledger.services import record
from notifications.wakeups import wake

SYSTEM_EMAIL = "campaigns@sallyport.invalid"
Decision = CampaignRow.Decision


@transaction.atomic
def close_campaign(*, actor: User | None, campaign_id: uuid.UUID, at: datetime | None = None) -> Campaign:
    """Take no more decisions. Before the deadline only a security reviewer closes; afterwards anyone's beat does."""
    at = at or timezone.now()
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise UnknownCampaign("There is no such campaign.")
    if actor is not None:
        check_may_close(actor)
    elif campaign.deadline_at > at:
        raise NotYetOver("The deadline has not passed.", details={"deadline": campaign.deadline_at.isoformat()})
    campaign.state = next_state("close", campaign.state)
    campaign.closed_at, campaign.closed_by = at, actor
    campaign.save(update_fields=["state", "closed_at", "closed_by"])
    rows = campaign.rows.all()
    record(
        "campaign.closed",
        actor=actor,
        subject=campaign,
        kept=rows.filter(decision=Decision.KEEP).count(),
        revoked=rows.filter(decision=Decision.REVOKE).count(),
        undecided=rows.undecided().count(),
        on_silence=campaign.on_silence,
    )
    wake("audits.tasks.remind_and_close")
    return campaign


def close_overdue(at: datetime | None = None) -> int:
    """Close what is past its deadline; returns how many."""
    at = at or timezone.now()
    closed = 0
    for campaign_id in Campaign.objects.overdue(at).values_list("pk", flat=True):
        close_campaign(actor=None, campaign_id=campaign_id, at=at)
        closed += 1
    return closed


def carry_out(at: datetime | None = None) -> int:
    """Turn decisions and silence of closed campaigns into what follows from them; returns how many rows were settled.

    Each row in its own transaction: whoever dies here leaves the rest for the next call, and no row is done twice.
    """
    at = at or timezone.now()
    pending = CampaignRow.objects.to_carry_out().order_by("campaign__quarter", "pk").values_list("pk", flat=True)
    return sum(_carry_out_row(row_id, at=at) for row_id in list(pending))


@transaction.atomic
def _carry_out_row(row_id: uuid.UUID, *, at: datetime) -> bool:
    row = (
        CampaignRow.objects.to_carry_out()
        .filter(pk=row_id)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("campaign", "entry", "team", "decided_by")
        .first()
    )
    if row is None:
        return False
    settled = _revoke(row, at=at) if _means_revocation(row) else _leave(row)
    if settled:
        row.carried_out_at = at
    row.save(update_fields=["request", "outcome", "carried_out_at"])
    if settled and row.request_id is not None:
        _tell(row)
    return settled


def _means_revocation(row: CampaignRow) -> bool:
    if row.decision:
        return row.decision == Decision.REVOKE
    return row.campaign.on_silence == Campaign.OnSilence.REVOKE


def _leave(row: CampaignRow) -> bool:
    row.outcome = "Kept." if row.decision else "Nobody decided: it stays until its end."
    return True


def _revoke(row: CampaignRow, *, at: datetime) -> bool:
    """Ask for the revocation under the ordinary workflow; false while another request stands in the way."""
    actor = row.decided_by or system_account(email=SYSTEM_EMAIL, display_name="Review campaigns")
    try:
        with transaction.atomic():
            row.request = create_request(
                actor=actor,
                team_id=row.team_id,
                kind=EgressRequest.Kind.REVOKE,
                entry_id=row.entry_id,
                origin="campaign",
                justification=_why(row),
                at=at,
            )
    except EntryNotInForce:
        row.outcome = "It had ended already: there is nothing to revoke."
        return True
    except OpenRequestExists as error:
        return _join_open_request(row, error)
    row.outcome = f"{row.request.reference} asks for its revocation."
    return True


def _join_open_request(row: CampaignRow, error: OpenRequestExists) -> bool:
    """A revocation that is asked for already is the one we want; any other change must be decided first."""
    known = EgressRequest.objects.open().filter(entry=row.entry_id, kind=EgressRequest.Kind.REVOKE).first()
    if known is None:
        row.outcome = f"Waits: {error.message}"[:300]
        return False
    row.request, row.outcome = known, f"{known.reference} asks for its revocation already."
    return True


def _why(row: CampaignRow) -> str:
    if not row.decision:
        return f"Nobody decided in the review of {row.campaign.quarter}; silence means revoking."
    said = f": {row.note}" if row.note else "."
    return f"Decided in the review of {row.campaign.quarter} by {row.decided_by}{said}"


def _tell(row: CampaignRow) -> None:
    record(
        "campaign.revocation-requested",
        actor=row.decided_by,
        subject=row,
        campaign=row.campaign.quarter,
        passport=row.entry.passport,
        request=row.request.number if row.request else None,
        by_silence=not row.decision,
    )
