"""The home page: what waits for this person, each number a link to the list behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, Team, User
from allowlist.models import Entry
from audits.models import CampaignRow
from clusters.models import Cluster
from flows.models import FlowRollup
from governance.models import EgressRequest
from rollouts.models import DriftFinding, NamespacePush, Rollout

SOON = timedelta(days=30)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Tile:
    """One count, where its list is, and what an empty one means."""

    title: str
    count: int
    address: str
    tone: str
    when_empty: str


def tiles_for(user: User, *, at: datetime) -> list[Tile]:
    """The tiles of the person's roles; a constant number of queries."""
    tiles = _lead_tiles(user, at=at)
    if user.has_role(Role.SECURITY_REVIEWER):
        tiles = _reviewer_tiles(user) + tiles
    if user.has_role(Role.PLATFORM_ENGINEER) or user.has_role(Role.ADMINISTRATOR):
        tiles = _platform_tiles(user, at=at) + tiles
    return tiles


def _lead_tiles(user: User, *, at: datetime) -> list[Tile]:
    requests = EgressRequest.objects.visible_to(user)
    ending = Entry.objects.visible_to(user).filter(in_production__kind="grant", in_production__expires_at__gt=at)
    denied = FlowRollup.objects.visible_to(user).denied().filter(hour__gte=at - WEEK)
    rows = CampaignRow.objects.visible_to(user).undecided().filter(campaign__state="open")
    mine = Team.objects.for_which(user, "act_for_team")
    return [
        Tile(
            _("My open requests"),
            requests.open().filter(requester=user).count(),
            reverse("governance:list") + "?whose=mine",
            "info",
            _("Nothing of yours waits. Denied flows are a good place to start a request."),
        ),
        Tile(
            _("Entries ending within 30 days"),
            ending.filter(in_production__expires_at__lte=at + SOON).count(),
            reverse("allowlist:list") + "?ending=30",
            "warning",
            _("No entry ends soon."),
        ),
        Tile(
            _("Destinations denied this week"),
            denied.values("namespace", "destination_name", "destination_address", "port").distinct().count(),
            reverse("flows:denied"),
            "danger",
            _("Nothing was denied, or no flow log arrives: the cluster's page tells which."),
        ),
        Tile(
            _("Entries to decide in the review"),
            rows.filter(team__in=mine.values("pk")).count()
            if not user.has_role(Role.SECURITY_REVIEWER)
            else rows.count(),
            reverse("audits:list"),
            "warning",
            _("No review waits for you."),
        ),
    ]


def _reviewer_tiles(user: User) -> list[Tile]:
    waiting = EgressRequest.objects.awaiting_decision().exclude(requester_person_id=user.person_id)
    return [
        Tile(
            _("Requests that wait for a reviewer"),
            waiting.exclude(last_editor_person_id=user.person_id).count(),
            reverse("governance:list") + "?whose=my-turn",
            "warning",
            _("The queue is empty."),
        ),
        Tile(
            _("Changes that wait for proof or promotion"),
            Rollout.objects.filter(state__in=["awaiting-proof", "proved"]).count(),
            reverse("rollouts:list") + "?state=awaiting-proof",
            "info",
            _("Every approved change has gone on."),
        ),
    ]


def _platform_tiles(user: User, *, at: datetime) -> list[Tile]:
    stale = at - timedelta(seconds=settings.UNKNOWN_AFTER_SECONDS)
    out_of_sight = ~Q(state=Cluster.State.CONNECTED) | Q(last_contact_at=None) | Q(last_contact_at__lt=stale)
    return [
        Tile(
            _("Differences on clusters"),
            DriftFinding.objects.visible_to(user).unaccepted(at).count(),
            reverse("clusters:list"),
            "danger",
            _("Every compared namespace carries exactly what was published."),
        ),
        Tile(
            _("Clusters out of sight"),
            Cluster.objects.visible_to(user).in_service().filter(out_of_sight).count(),
            reverse("clusters:list"),
            "danger",
            _("Every cluster answered lately."),
        ),
        Tile(
            _("Pushes that failed or are held"),
            NamespacePush.objects.filter(state__in=["failed", "held"]).count(),
            reverse("rollouts:list"),
            "warning",
            _("Nothing is stuck."),
        ),
    ]
