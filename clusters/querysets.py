"""Named reads of the fleet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User


class ClusterQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Every cluster for the global roles; for others those that a team of theirs owns or has a namespace on."""
        if user.sees_every_team:
            return self
        teams = Team.objects.visible_to(user).values("pk")
        namespaces = self.model._meta.get_field("namespaces").related_model
        lived_on = namespaces.objects.filter(team__in=teams).values("cluster")
        return self.filter(Q(owner_team__in=teams) | Q(pk__in=lived_on))

    def in_service(self) -> Self:
        return self.filter(retired_at=None)

    def stale(self, at: datetime) -> Self:
        """Connected by their last word, but nobody has heard from them for too long to believe it."""
        return self.filter(Q(last_contact_at=None) | Q(last_contact_at__lt=silent_since(at)), state="connected")

    def with_counts(self) -> Self:
        """How many namespaces are present, and how many of them nobody answers for."""
        namespaces = self.model._meta.get_field("namespaces").related_model
        present = namespaces.objects.filter(cluster=OuterRef("pk"), gone_at=None).order_by()
        return self.annotate(
            namespace_count=_count(present),
            unassigned_count=_count(present.filter(team=None)),
        )

    def worst_first(self, at: datetime) -> Self:
        """Those that need a person first, then what we know nothing new of, then the healthy ones."""
        ranks = [When(retired_at__isnull=False, then=Value(9))]
        ranks += [
            When(state=state, then=Value(rank)) for rank, state in enumerate(("mismatch", "refused", "unreachable"))
        ]
        is_stale = Q(last_contact_at=None) | Q(last_contact_at__lt=silent_since(at))
        ranks += [When(is_stale & Q(state="connected"), then=Value(3)), When(state="registered", then=Value(4))]
        rank = Case(*ranks, default=Value(5), output_field=models.IntegerField())
        return self.annotate(rank=rank).order_by("rank", "environment__position", "name")

    def in_scope(self, *, environments: list[str], labels: dict[str, str]) -> Self:
        """Clusters of any of the environments (none named: of every one) that carry all the labels."""
        chosen = self.in_service()
        if environments:
            chosen = chosen.filter(environment__slug__in=environments)
        return chosen.filter(labels__contains=labels) if labels else chosen


def silent_since(at: datetime) -> datetime:
    """Who was not heard from since then is not known to be well."""
    return at - timedelta(seconds=settings.UNKNOWN_AFTER_SECONDS)


def _count(rows: models.QuerySet[Any]) -> Coalesce:
    counted = rows.values("cluster").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0, output_field=models.IntegerField())


class EnforcementPointQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        return self.filter(cluster__in=self.model.cluster.field.related_model.objects.visible_to(user).values("pk"))

    def in_service(self) -> Self:
        return self.filter(cluster__retired_at=None)


class NamespaceQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))

    def present(self) -> Self:
        return self.filter(gone_at=None)
