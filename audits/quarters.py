"""Quarters of the year, in UTC, and how long a campaign runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DEADLINE_AFTER = timedelta(days=28)


def quarter_of(at: datetime) -> str:
    """Such as ``2026-Q4``."""
    day = at.astimezone(UTC)
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def end_of_quarter(at: datetime) -> datetime:
    """The first instant of the next quarter."""
    day = at.astimezone(UTC)
    first_month = (day.month - 1) // 3 * 3 + 1
    year, month = (day.year + 1, 1) if first_month == 10 else (day.year, first_month + 3)
    return datetime(year, month, 1, tzinfo=UTC)


def deadline_for(opened_at: datetime) -> datetime:
    """Four weeks after opening, and never later than the quarter; one opened in its last days still gets a week."""
    latest = max(end_of_quarter(opened_at), opened_at + timedelta(days=7))
    return min(opened_at + DEADLINE_AFTER, latest)
