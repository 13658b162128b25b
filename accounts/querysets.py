"""Named reads of people and teams."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.base_user import BaseUserManager
from django.db import models
from django.db.models import Q
from guardian.shortcuts import get_objects_for_user

if TYPE_CHECKING:
    from accounts.models import User

SEES_EVERY_TEAM = ("security-reviewer", "platform-engineer", "auditor", "administrator")


class UserQuerySet(models.QuerySet):
    def people(self) -> Self:
        return self.filter(is_automation=False, is_active=True)

    def in_role(self, role: str) -> Self:
        """Active people who hold the global role."""
        return self.people().filter(groups__name=role)

    def answered_for_by(self, user: User) -> Self:
        """The person's own account and the active automation accounts that they answer for."""
        return self.filter(Q(pk=user.pk) | Q(responsible=user), is_active=True)

    def visible_to(self, user: User) -> Self:
        """Everyone for the global roles; for anyone else themselves, their teams' members, and the automation accounts
        that they answer for."""
        if user.sees_every_team:
            return self
        everyone = self.model._default_manager
        colleagues = everyone.filter(memberships__team__memberships__user=user).values("pk")
        return self.filter(Q(pk=user.pk) | Q(responsible=user) | Q(pk__in=colleagues))


class AccountManager(BaseUserManager["User"]):
    """Creates accounts that sign in with their mail address, and finds them by it in any case."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class TeamQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Every team for the global roles; for anyone else the teams that they belong to."""
        if user.sees_every_team:
            return self
        return self.for_which(user, "act_for_team")

    def for_which(self, user: User, permission: str) -> Self:
        """The teams on which the user holds the object permission itself."""
        mine = get_objects_for_user(
            user, f"accounts.{permission}", klass=self.model, with_superuser=False, accept_global_perms=False
        )
        return self.filter(pk__in=mine.values("pk"))

    def with_counts(self) -> Self:
        """Each team with ``member_count`` and ``lead_count`` of its active accounts."""
        active = Q(memberships__user__is_active=True)
        return self.annotate(
            member_count=models.Count("memberships", filter=active),
            lead_count=models.Count("memberships", filter=active & Q(memberships__kind="lead")),
        )


class MembershipQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """The memberships of the teams that the user may see."""
        if user.sees_every_team:
            return self
        return self.filter(team__in=self.model._default_manager.filter(user=user).values("team"))


class ApiTokenQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """All for administrators; for anyone else their own and those of automation accounts that they answer for."""
        if user.has_role("administrator"):
            return self
        return self.held_by(user)

    def held_by(self, user: User) -> Self:
        """The tokens that the person can use or has in their care."""
        return self.filter(Q(user=user) | Q(user__responsible=user))

    def usable(self, at: datetime) -> Self:
        return self.filter(Q(expiry=None) | Q(expiry__gt=at), user__is_active=True)
