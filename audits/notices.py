"""What people hear of a campaign: one message per person and occasion, however many rows are theirs."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import Membership, Role, Team, User
from audits.models import Campaign, CampaignRow
from notifications.services import notify


def deciders_of(team: Team) -> QuerySet[User]:
    """The leads of the team; where it has none, the security reviewers must decide in its place."""
    leads = User.objects.people().filter(memberships__team=team, memberships__kind=Membership.Kind.LEAD)
    return leads if leads.exists() else User.objects.in_role(Role.SECURITY_REVIEWER)


def tell_opened(campaign: Campaign, rows: Iterable[CampaignRow]) -> None:
    for team, count in _by_team(rows).items():
        notify(
            recipients=deciders_of(team),
            topic="campaign",
            subject=f"Review {campaign.quarter}: {count} entries of {team} wait for your decision",
            body=f"Keep each with a new end, or revoke it, until {campaign.deadline_at:%Y-%m-%d %H:%M} UTC. "
            f"What nobody decides: {campaign.get_on_silence_display()}.",
            link=_link(campaign, team),
            deduplication_key=f"campaign-opened:{campaign.pk}:{team.pk}",
        )


def tell_reminder(campaign: Campaign, rows: Iterable[CampaignRow], *, number: int) -> None:
    for team, count in _by_team(rows).items():
        notify(
            recipients=deciders_of(team),
            topic="campaign-reminder",
            subject=f"Review {campaign.quarter}: {count} entries of {team} are still undecided",
            body=f"The campaign closes at {campaign.deadline_at:%Y-%m-%d %H:%M} UTC. "
            f"What nobody decides: {campaign.get_on_silence_display()}.",
            link=_link(campaign, team),
            deduplication_key=f"campaign-reminder:{campaign.pk}:{team.pk}:{number}",
        )


def _by_team(rows: Iterable[CampaignRow]) -> dict[Team, int]:
    counts: dict[Team, int] = {}
    for row in rows:
        counts[row.team] = counts.get(row.team, 0) + 1
    return counts


def _link(campaign: Campaign, team: Team) -> str:
    return f"{reverse('audits:campaign', args=[campaign.quarter])}?team={team.slug}&decision=undecided"
