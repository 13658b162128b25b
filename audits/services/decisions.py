"""Keep or revoke: one row, or several with one reason."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.text import clean_text
from allowlist.proposals import MAX_DAYS
from allowlist.services import extend_entry
from audits.errors import InvalidDecision, UnknownRow
from audits.models import CampaignRow
from audits.permissions import check_may_decide, check_may_keep
from audits.states import next_state
from ledger.services import record
from policy.errors import DomainError

MAX_NOTE = 2_000
MAX_ROWS = 200

Decision = CampaignRow.Decision


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of one row of a bulk decision."""

    row_id: uuid.UUID
    passport: str
    is_decided: bool
    code: str = ""
    message: str = ""


@transaction.atomic
def decide_row(
    *,
    actor: User,
    row_id: uuid.UUID,
    decision: str,
    new_end_at: datetime | None = None,
    note: str = "",
    at: datetime | None = None,
) -> CampaignRow:
    """Keep the entry, which moves its end at once, or mark it to be revoked when the campaign closes.

    A decision may be taken back and replaced until then.
    """
    at = at or timezone.now()
    row = _lock_row(actor, row_id)
    check_may_decide(actor, row)
    next_state("decide", row.campaign.state)
    if decision not in Decision.values:
        raise InvalidDecision("Decide to keep or to revoke.", details={"field": "decision"})
    row.note = clean_text(note, field="note", max_length=MAX_NOTE, required=False)
    row.decision, row.decided_by, row.decided_at = decision, actor, at
    row.new_end_at = None
    if decision == Decision.KEEP:
        check_may_keep(actor, row.entry)
        end = _checked_end(new_end_at, at=at)
        extend_entry(actor=actor, entry_id=row.entry_id, expires_at=end, note=row.note, at=at)
        row.new_end_at = end
    row.save(update_fields=["note", "decision", "decided_by", "decided_at", "new_end_at"])
    record(
        "campaign.row-decided",
        actor=actor,
        subject=row,
        campaign=row.campaign.quarter,
        passport=row.entry.passport,
        decision=decision,
        new_end=row.new_end_at,
        note=row.note,
        usage=row.usage,
    )
    return row


def decide_rows(
    *,
    actor: User,
    row_ids: Sequence[uuid.UUID],
    decision: str,
    new_end_at: datetime | None = None,
    note: str,
    at: datetime | None = None,
) -> list[RowResult]:
    """Decide several rows with one reason, each for itself: what one row refuses does not stop the others."""
    chosen = list(dict.fromkeys(row_ids))
    if not chosen or len(chosen) > MAX_ROWS:
        raise InvalidDecision(f"Choose between one and {MAX_ROWS} rows.", details={"field": "rows"})
    if not note.strip():
        raise InvalidDecision("Say why, once for all the rows chosen.", details={"field": "note"})
    passports = dict(CampaignRow.objects.visible_to(actor).filter(pk__in=chosen).values_list("pk", "entry__passport"))
    results = []
    for row_id in chosen:
        shown = passports.get(row_id, "")
        try:
            decide_row(actor=actor, row_id=row_id, decision=decision, new_end_at=new_end_at, note=note, at=at)
        except DomainError as error:
            results.append(RowResult(row_id, shown, False, error.code, error.message))
        else:
            results.append(RowResult(row_id, shown, True))
    return results


def _lock_row(actor: User, row_id: uuid.UUID) -> CampaignRow:
    row = (
        CampaignRow.objects.visible_to(actor)
        .filter(pk=row_id)
        .select_for_update(of=("self",))
        .select_related("campaign", "entry", "team")
        .first()
    )
    if row is None:
        raise UnknownRow("There is no such row.")
    # Closing takes this lock exclusively: a decision is either before it and counts, or after it and is refused.
    row.campaign = type(row.campaign).objects.select_for_update(no_key=True).get(pk=row.campaign_id)
    return row


def _checked_end(new_end_at: datetime | None, *, at: datetime) -> datetime:
    if new_end_at is None:
        raise InvalidDecision("To keep an entry, name its new end.", details={"field": "new_end_at"})
    if not at < new_end_at <= at + timedelta(days=MAX_DAYS + 1):
        message = f"The new end lies in the future and at most {MAX_DAYS} days away."
        raise InvalidDecision(message, details={"field": "new_end_at"})
    return new_end_at
