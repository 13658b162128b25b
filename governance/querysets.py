"""Named reads of the workflow."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, Value, When

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User

OPEN = ("draft", "in-review", "changes-requested")
SEVERITIES = ("none", "low", "medium", "high", "refuse")
_GLOBAL_ROLES = ("security-reviewer", "platform-engineer")


class EgressRequestQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        if user.sees_every_team:
            return self
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def awaiting_decision(self) -> Self:
        return self.filter(state="in-review")

    def unanswered(self, at: datetime) -> Self:
        """Requests that nobody answered in time, whoever's turn it was."""
        return self.filter(state__in=["in-review", "changes-requested"], answer_due_at__lte=at)

    def for_listing(self) -> Self:
        """With what a row shows: people, entry, how many approvals stand, and the rank of the risk."""
        standing = Q(approvals__voided_at=None, approvals__decision="approve")
        ranks = [When(risk__severity=name, then=Value(rank)) for rank, name in enumerate(SEVERITIES)]
        return self.select_related("team", "entry", "requester").annotate(
            approvals_given=Count("approvals", filter=standing),
            risk_rank=Case(*ranks, default=Value(0), output_field=IntegerField()),
        )

    def turn_of(self, user: User) -> Self:
        """What waits for this person: decisions they may make, and requests that were sent back to their teams."""
        mine = Q(state__in=["draft", "changes-requested"], team__in=Team.objects.for_which(user, "act_for_team"))
        return self.filter(mine | self._decidable_by(user))

    def waiting_on_others(self, user: User) -> Self:
        """What this person's teams asked for and somebody else must decide."""
        asked = Q(requester_person=user.person_id) | Q(team__in=Team.objects.for_which(user, "act_for_team"))
        return self.awaiting_decision().filter(asked).exclude(self._decidable_by(user))

    def _decidable_by(self, user: User) -> Q:
        """In review, asking for a role that the person holds, not their own, and not yet decided by them."""
        roles = Q(pk__in=[])
        for role in _GLOBAL_ROLES:
            if user.has_role(role):
                roles |= Q(needs__contains=[{"role": role}])
        leads = Team.objects.for_which(user, "lead_team")
        roles |= Q(needs__contains=[{"role": "team-lead"}], team__in=leads)
        person = user.person_id
        given = self.model.approvals.rel.related_model.objects.filter(
            request=OuterRef("pk"), reviewer_person=person, decision="approve", voided_at=None
        )
        others = ~Q(requester_person=person) & ~Q(last_editor_person=person) & ~Exists(given)
        return Q(state="in-review") & roles & others


class ApprovalQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """Verdicts that no later edit has voided."""
        return self.filter(voided_at=None)
