"""Named reads of campaigns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User


class CampaignQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """A campaign is no secret to anyone who is signed in; its rows are."""
        return self if user.is_authenticated else self.none()

    def overdue(self, at: datetime) -> Self:
        return self.filter(state="open", deadline_at__lte=at)


class CampaignRowQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))

    def undecided(self) -> Self:
        return self.filter(decision="")
