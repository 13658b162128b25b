"""Named reads of entries and of what should be in force."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, CharField, Count, Q, Value, When

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User

EXPIRING_WITHIN = timedelta(days=30)
IN_FORCE, NON_PRODUCTION, EXPIRED, REVOKED = "in-force", "non-production", "expired", "revoked"


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

    def expiring(self, at: datetime, *, within: timedelta = EXPIRING_WITHIN) -> Self:
        """Entries in force whose newest revision ends soon."""
        return self.in_force(at).filter(in_non_production__expires_at__lte=at + within)

    def with_state(self, at: datetime) -> Self:
        """With the one word for where an entry stands, as lists and filters use it."""
        production = self._in_force_in("in_production", at)
        newest = self._in_force_in("in_non_production", at)
        states = [
            When(production & newest, then=Value(IN_FORCE)),
            When(newest, then=Value(NON_PRODUCTION)),
            # Production still carries what non-production gave up: it is in force until that is promoted too.
            When(production, then=Value(IN_FORCE)),
            When(in_non_production__kind="revocation", then=Value(REVOKED)),
        ]
        return self.annotate(state=Case(*states, default=Value(EXPIRED), output_field=CharField()))

    def for_listing(self, at: datetime) -> Self:
        """With what a row shows, in a constant number of queries."""
        return (
            self.with_state(at)
            .select_related("team", "in_non_production", "in_production")
            .annotate(revision_count=Count("revisions"))
        )

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
