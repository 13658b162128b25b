"""Named reads of the workflow."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User


class EgressRequestQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))

    def open(self) -> Self:
        return self.filter(state__in=["draft", "in-review", "changes-requested"])

    def awaiting_decision(self) -> Self:
        return self.filter(state="in-review")

    def unanswered(self, at: datetime) -> Self:
        """Requests that nobody answered in time, whoever's turn it was."""
        return self.filter(state__in=["in-review", "changes-requested"], answer_due_at__lte=at)


class ApprovalQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """Verdicts that no later edit has voided."""
        return self.filter(voided_at=None)
