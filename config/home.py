"""The home page: what waits for this person, each number a link to the list behind it.

A tile counts with the list's own named read and links to the same filter, so that the two cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from allowlist.models import Entry
from audits.models import Campaign, CampaignRow
from clusters.models import Cluster
from flows.denied import DEFAULT_DAYS, DeniedFilter, denied_rollups, grouped
from governance.models import EgressRequest
from rollouts.models import DriftFinding, NamespacePush, Rollout

Words = str | Promise


@dataclass(frozen=True)
class Tile:
    """One count, where its list is, and what an empty one means."""

    title: Words
    count: int
    address: str
    tone: str
    when_empty: Words


def tiles_for(user: User, *, at: datetime) -> list[Tile]:
    """The tiles of the person's roles; a constant number of queries."""
    tiles = [_my_turn(user), _ending(user, at=at), _denied(user), *_review(user)]
    if user.has_role(Role.SECURITY_REVIEWER) or user.has_role(Role.PLATFORM_ENGINEER):
        tiles.append(_under_way(user))
    if user.has_role(Role.PLATFORM_ENGINEER) or user.has_role(Role.ADMINISTRATOR):
        tiles += _fleet(user, at=at)
    return tiles


def _my_turn(user: User) -> Tile:
    return Tile(
        _("Requests that wait for me"),
        EgressRequest.objects.visible_to(user).turn_of(user).count(),
        reverse("governance:list") + "?turn=mine",
        "warning",
        _("Nothing waits for you. Denied flows are a good place to start a request."),
    )


def _ending(user: User, *, at: datetime) -> Tile:
    return Tile(
        _("Entries ending within 30 days"),
        Entry.objects.visible_to(user).expiring(at).count(),
        reverse("allowlist:list") + "?expiring=yes",
        "warning",
        _("No entry ends soon."),
    )


def _denied(user: User) -> Tile:
    lately = DeniedFilter({"days": DEFAULT_DAYS}, queryset=denied_rollups(user)).qs
    return Tile(
        _("Denied destinations, by workload, this week"),
        grouped(lately).count(),
        reverse("flows:denied") + f"?days={DEFAULT_DAYS}",
        "danger",
        _("Nothing was denied, or no flow log arrives: the cluster's page tells which."),
    )


def _review(user: User) -> list[Tile]:
    """The open review's undecided rows that the person may decide; no tile while no review is open."""
    campaign = Campaign.objects.visible_to(user).filter(state=Campaign.State.OPEN).order_by("-quarter").first()
    if campaign is None:
        return []
    rows = CampaignRow.objects.visible_to(user).filter(campaign=campaign).undecided().decidable_by(user)
    address = reverse("audits:campaign", args=[campaign.quarter]) + "?decision=undecided&mine=on"
    return [Tile(_("Entries to decide in the review"), rows.count(), address, "warning", _("All decided."))]


def _under_way(user: User) -> Tile:
    return Tile(
        _("Changes under way"),
        Rollout.objects.visible_to(user).under_way().count(),
        reverse("rollouts:list") + "?state=under-way",
        "info",
        _("Every approved change has arrived."),
    )


def _fleet(user: User, *, at: datetime) -> list[Tile]:
    clusters = Cluster.objects.visible_to(user).in_service()
    return [
        Tile(
            _("Clusters not heard from"),
            clusters.stale(at).count(),
            reverse("clusters:list") + "?state=stale",
            "danger",
            _("Every connected cluster answered lately."),
        ),
        Tile(
            _("Differences on clusters"),
            DriftFinding.objects.visible_to(user).unaccepted(at).count(),
            reverse("clusters:list"),
            "danger",
            _("Every compared namespace carries exactly what was published."),
        ),
        Tile(
            _("Pushes that failed or are held"),
            NamespacePush.objects.visible_to(user).filter(state__in=["failed", "held"]).count(),
            reverse("clusters:list"),
            "warning",
            _("Nothing is stuck."),
        ),
    ]
