"""Named reads of people and teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.auth.base_user import BaseUserManager
from django.db import models
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


class AccountManager(BaseUserManager):
    """Creates accounts that sign in with their mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


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
