"""Entries in force for reviews, made by the services."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Team, User
from allowlist.models import Entry, EntryRevision
from allowlist.proposals import parse_proposal
from allowlist.services import create_revision
from audits.models import Campaign, CampaignRow
from audits.services import ensure_campaign
from tests import factories
from tests.clusters import factories as fleet

_numbers = itertools.count(1)


class House:
    """A team with two leads and a namespace before production, and the people who review."""

    def __init__(self, slug: str = "") -> None:
        self.team: Team = factories.team(slug)
        self.lead: User = factories.lead(self.team)
        self.other_lead: User = factories.lead(self.team)
        self.reviewer: User = factories.reviewer()
        self.cluster = fleet.answered(fleet.cluster(owner=self.team))
        self.point = fleet.enforcement_point(self.cluster)
        self.namespace = fleet.namespace(self.cluster, f"shop-{next(_numbers)}", team=self.team)

    def entry(self, destination: str = "", *, days: int = 60, **fields: Any) -> Entry:
        """An entry that the lead asked for and the reviewer approved."""
        at = timezone.now()
        given = {
            "destination": destination or f"api{next(_numbers)}.example.com",
            "ports": "443",
            "namespaces": [self.namespace.name],
            "justification": "The shop calls its payment provider.",
            "expires_at": (at + timedelta(days=days)).date().isoformat(),
        }
        revision = create_revision(
            actor=self.reviewer,
            team=self.team,
            entry=None,
            kind=EntryRevision.Kind.GRANT,
            proposal=parse_proposal({**given, **fields}, at=at),
            request_id=uuid.uuid4(),
            requested_by=self.lead,
            approved_by=[self.reviewer],
            approved_at=at,
            effect_hash=f"{next(_numbers):064x}",
        )
        return revision.entry

    def campaign(self, *, entries: int = 1) -> Campaign:
        """An open campaign over that many fresh entries."""
        for _ in range(entries):
            self.entry()
        campaign = ensure_campaign(timezone.now())
        assert campaign is not None
        return campaign

    def rows(self, campaign: Campaign) -> list[CampaignRow]:
        return list(campaign.rows.filter(team=self.team).order_by("destination"))


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)
