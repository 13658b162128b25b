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

    def decidable_by(self, user: User) -> Self:
        """Rows that the user may decide: those of teams they lead, and all for security reviewers."""
        if user.has_role("security-reviewer"):
            return self
        return self.filter(team__in=Team.objects.for_which(user, "lead_team").values("pk"))

    def to_carry_out(self) -> Self:
        """Rows of closed campaigns whose consequence is still missing."""
        return self.filter(campaign__state="closed", carried_out_at=None)
