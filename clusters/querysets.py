"""Named reads of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User


class ClusterQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Every cluster for the global roles; for others those that a team of theirs owns or has a namespace on."""
        if user.sees_every_team:
            return self
        teams = Team.objects.visible_to(user).values("pk")
        return self.filter(Q(owner_team__in=teams) | Q(namespaces__team__in=teams)).distinct()

    def in_service(self) -> Self:
        return self.filter(retired_at=None)

    def in_scope(self, *, environments: list[str], labels: dict[str, str]) -> Self:
        """Clusters of any of the environments (none named: of every one) that carry all the labels."""
        chosen = self.in_service()
        if environments:
            chosen = chosen.filter(environment__slug__in=environments)
        return chosen.filter(labels__contains=labels) if labels else chosen


class EnforcementPointQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(cluster__in=self.model.cluster.field.related_model.objects.visible_to(user).values("pk"))

    def in_service(self) -> Self:
        return self.filter(cluster__retired_at=None)


class NamespaceQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))

    def present(self) -> Self:
        return self.filter(gone_at=None)
