"""Named reads of the trail."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from accounts.models import Team, User


class LedgerEntryQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """All of it for the global roles; for anyone else what concerns their teams, what they did themselves, and what
        was done to their own account."""
        if user.sees_every_team:
            return self
        own_account = Q(subject_kind=user._meta.label_lower, subject_id=str(user.pk))
        return self.filter(Q(team_id__in=Team.objects.visible_to(user).values("pk")) | Q(actor=user) | own_account)

    def about(self, subject: models.Model) -> Self:
        return self.filter(subject_kind=subject._meta.label_lower, subject_id=str(subject.pk))

    def about_any(self, subjects: list[tuple[str, Any]]) -> Self:
        """Entries on any of the ``(kind, id)`` pairs: a whole story in one read."""
        wanted = Q(pk__in=[])
        for kind, key in subjects:
            wanted |= Q(subject_kind=kind, subject_id=str(key))
        return self.filter(wanted)
