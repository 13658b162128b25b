"""Named reads of what is on its way and of what differs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Q

from accounts.models import Team
from clusters.models import Cluster

if TYPE_CHECKING:
    from accounts.models import User


class RolloutQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(revision__entry__team__in=Team.objects.visible_to(user).values("pk"))

    def for_lists(self) -> Self:
        """With everything that a list shows of each, in one query: its entry, and how far each tier is."""
        reached = Q(targets__state__in=["verified", "impossible"])
        return self.select_related("revision__entry__team").annotate(
            before_all=Count("targets", filter=Q(targets__tier="non-production")),
            before_reached=Count("targets", filter=Q(targets__tier="non-production") & reached),
            production_all=Count("targets", filter=Q(targets__tier="production")),
            production_reached=Count("targets", filter=Q(targets__tier="production") & reached),
            failed=Count("targets", filter=Q(targets__state="failed")),
        )

    def for_page(self) -> Self:
        return self.select_related(
            "revision__entry__team", "revision__requested_by", "promoted_by", "proof__confirmed_by"
        )

    def under_way(self) -> Self:
        return self.exclude(state__in=["complete", "superseded"])


class NamespacePushQuerySet(models.QuerySet):
    def claimable(self, at: datetime) -> Self:
        """Due work, and work whose holder let its lease run out."""
        waiting = Q(state__in=["due", "failed"], due_at__lte=at)
        abandoned = Q(state="claimed", lease_until__lte=at)
        return self.filter(waiting | abandoned, enforcement_point__cluster__retired_at=None)

    def compare_due(self, at: datetime) -> Self:
        """Rows to be compared: published once, and with no write under way that a comparison could take for drift."""
        return self.filter(
            state__in=["idle", "held"],
            published__isnull=False,
            compare_due_at__lte=at,
            enforcement_point__cluster__retired_at=None,
        )

    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        teams = Team.objects.visible_to(user).values("pk")
        owned = Cluster.objects.filter(owner_team__in=teams).values("pk")
        return self.filter(Q(namespace__team__in=teams) | Q(enforcement_point__cluster__in=owned))

    def for_lists(self) -> Self:
        return self.select_related(
            "namespace__cluster", "namespace__team", "enforcement_point", "published", "released_by"
        ).order_by("namespace__name", "pk")


class DriftFindingQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        teams = Team.objects.visible_to(user).values("pk")
        return self.filter(
            Q(namespace__team__in=teams)
            | Q(enforcement_point__cluster__in=Cluster.objects.filter(owner_team__in=teams).values("pk"))
        )

    def open(self) -> Self:
        return self.filter(resolved_at=None)

    def revert_asked(self) -> Self:
        return self.open().exclude(revert_asked_at=None)

    def unaccepted(self, at: datetime) -> Self:
        """Open findings that nobody has accepted for the time being."""
        return self.open().filter(Q(accepted_until=None) | Q(accepted_until__lte=at))
