"""Every write of the review: open, decide, remind, close."""

from audits.services.campaigns import ensure_campaign
from audits.services.closing import carry_out, close_campaign, close_overdue
from audits.services.decisions import RowResult, decide_row, decide_rows
from audits.services.reminders import remind

__all__ = [
    "RowResult",
    "carry_out",
    "close_campaign",
    "close_overdue",
    "decide_row",
    "decide_rows",
    "ensure_campaign",
    "remind",
]
