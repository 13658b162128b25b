"""People, the teams they act for, and the tokens that automation carries."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager

from accounts.querysets import (
    SEES_EVERY_TEAM,
    AccountManager,
    ApiTokenQuerySet,
    MembershipQuerySet,
    TeamQuerySet,
    UserQuerySet,
)


class Identified(models.Model):
    """A row whose key is a random UUID, never reused, so that a right on a deleted row can never fall to a new one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class Role(models.TextChoices):
    """The global roles; each is a Django group of the same name. Member and lead are roles inside one team."""

    SECURITY_REVIEWER = "security-reviewer", _("Security reviewer")
    PLATFORM_ENGINEER = "platform-engineer", _("Platform engineer")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


class User(AbstractUser, Identified):  # type: ignore[django-manager-missing]  # the manager of tokens is of a library without types
    """An account. Several accounts may belong to one person, and four eyes are counted by person."""

    username = None
    email = models.EmailField(_("email address"), unique=True)
    display_name = models.CharField(_("name"), max_length=120, blank=True)
    is_automation = models.BooleanField(default=False)
    responsible = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="automation_accounts",
        help_text=_("The person who answers for this account; empty for a person's own account."),
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = AccountManager.from_queryset(UserQuerySet)()

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),
            models.CheckConstraint(
                condition=Q(responsible=None) | ~Q(responsible=F("id")), name="user_not_responsible_for_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    @property
    def person_id(self) -> uuid.UUID:
        """The person behind the account: what approvals, requests and edits are compared by."""
        return self.responsible_id or self.pk

    @cached_property
    def roles(self) -> frozenset[str]:
        """The names of the global roles held; read once per request's user object."""
        return frozenset(self.groups.values_list("name", flat=True))

    def has_role(self, role: str) -> bool:
        return self.is_active and role in self.roles

    @property
    def sees_every_team(self) -> bool:
        return self.is_active and not self.roles.isdisjoint(SEES_EVERY_TEAM)

    @property
    def is_in_use(self) -> bool:
        """Active, and so is whoever answers for it: an automation account falls with its person."""
        return self.is_active and (self.responsible is None or self.responsible.is_active)

    def may_act_for(self, team: Team) -> bool:
        """Whether the account may request for the team, as the database says now."""
        return self.is_active and Team.objects.for_which(self, "act_for_team").filter(pk=team.pk).exists()

    def may_lead(self, team: Team) -> bool:
        """Whether the account may decide for the team, as the database says now."""
        return self.is_active and Team.objects.for_which(self, "lead_team").filter(pk=team.pk).exists()


class Team(Identified):
    """Owns namespaces and entries. Rights to act for it are object permissions on this row."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=120)
    contact = models.CharField(
        max_length=200, blank=True, help_text=_("Where the team is reached: a channel or an address.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [
            ("act_for_team", _("Can request for the team")),
            ("lead_team", _("Can decide for the team")),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(Identified):
    """One person's place in one team."""

    class Kind(models.TextChoices):
        MEMBER = "member", _("Member")
        LEAD = "lead", _("Lead")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["team__name", "user__email"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="membership_once_per_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Scope(models.TextChoices):
    """What a token may do on behalf of its user; never more than the user may."""

    READ = "read", _("Read")
    REQUEST = "request", _("Request and withdraw")
    REVIEW = "review", _("Approve, reject, decide in campaigns")
    OPERATE = "operate", _("Register clusters, push, promote, revert drift")
    ADMINISTER = "administer", _("People, teams, tokens")


class ApiToken(AbstractAuthToken):
    """A hashed, expiring credential for the REST API, limited to its scopes."""

    id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    label = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), default=list)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = AuthTokenManager.from_queryset(ApiTokenQuerySet)()

    class Meta(AbstractAuthToken.Meta):
        abstract = False
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.label} ({self.token_key}…)"

    @property
    def prefix(self) -> str:
        """The public beginning of the token, by which its holder tells it from others."""
        return self.token_key

    def is_expired(self, at: datetime) -> bool:
        return self.expiry is not None and self.expiry <= at
