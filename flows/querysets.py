"""Named reads of observed egress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef

from clusters.models import Cluster, Namespace

if TYPE_CHECKING:
    from accounts.models import User


class FlowSourceQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(cluster__in=Cluster.objects.visible_to(user).values("pk"))

    def active(self) -> Self:
        return self.filter(revoked_at=None, cluster__retired_at=None)


class FlowRollupQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """All for the global roles; for anyone else the flows of namespaces that a team of theirs answers for."""
        if user.sees_every_team:
            return self
        mine = Namespace.objects.visible_to(user).filter(cluster=OuterRef("cluster"), name=OuterRef("namespace"))
        return self.filter(Exists(mine))

    def denied(self) -> Self:
        return self.filter(verdict__in=["deny_policy", "would_deny"])
