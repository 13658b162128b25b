"""How far a campaign is: counts by decision, for bars and lists."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from audits.models import Campaign, CampaignRow


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows by decision."""

    kept: int = 0
    revoked: int = 0
    undecided: int = 0

    @property
    def total(self) -> int:
        return self.kept + self.revoked + self.undecided

    @property
    def decided(self) -> int:
        return self.kept + self.revoked

    @property
    def segments(self) -> list[tuple[str, float, float]]:
        """Name, start and width of each part of a bar that is 100 wide."""
        start, found = 0.0, []
        for name, count in (("success", self.kept), ("danger", self.revoked), ("muted", self.undecided)):
            width = round(100 * count / self.total, 3) if self.total else 0.0
            found.append((name, round(start, 3), width))
            start += width
        return found


_COUNTS = {
    "kept": Count("pk", filter=Q(decision=CampaignRow.Decision.KEEP)),
    "revoked": Count("pk", filter=Q(decision=CampaignRow.Decision.REVOKE)),
    "undecided": Count("pk", filter=Q(decision="")),
}


def tally_of(rows: QuerySet[CampaignRow]) -> Tally:
    return Tally(**rows.order_by().aggregate(**_COUNTS))


def tallies_of(campaigns: Iterable[Campaign], *, rows: QuerySet[CampaignRow]) -> dict[uuid.UUID, Tally]:
    """The tally of each campaign over the rows given, in one query."""
    wanted = [campaign.pk for campaign in campaigns]
    counted = rows.filter(campaign__in=wanted).order_by().values("campaign").annotate(**_COUNTS)
    found = {campaign: Tally(*counts) for campaign, *counts in counted.values_list("campaign", *_COUNTS)}
    return {key: found.get(key, Tally()) for key in wanted}
