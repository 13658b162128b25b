"""Named reads of entries and of what should be in force."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User


class EntryQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))

    def in_force(self, at: datetime) -> Self:
        """Entries that some cluster must carry at ``at``."""
        return self.filter(self._in_force_in("in_non_production", at) | self._in_force_in("in_production", at))

    def in_force_in(self, tier: str, at: datetime) -> Self:
        """Entries that clusters of the tier (``non-production`` or ``production``) must carry at ``at``."""
        return self.filter(self._in_force_in(self.revision_field(tier), at))

    @staticmethod
    def revision_field(tier: str) -> str:
        return "in_production" if tier == "production" else "in_non_production"

    @staticmethod
    def _in_force_in(field: str, at: datetime) -> Q:
        return Q(**{f"{field}__kind": "grant", f"{field}__expires_at__gt": at})


class DesiredNamespaceQuerySet(models.QuerySet):
    def changes_by_itself(self, at: datetime) -> Self:
        """Rows whose earliest expiry has come: the wanted state differs from the one last compiled."""
        return self.filter(next_expiry_at__lte=at)
