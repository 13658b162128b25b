"""What may leave: entries, their revisions, and the state that each enforcement point should have."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified, Team
from allowlist.querysets import DesiredNamespaceQuerySet, EntryQuerySet
from clusters.models import EnforcementPoint, Namespace, Tier
from policy.destinations import Destination, parse_destination
from policy.entries import PolicyEntry
from policy.ports import PortRange, parse_ports
from policy.selectors import LabelSelector


class Entry(Identified):
    """One thing that a team may reach, known everywhere by its passport. What it says stands in its revisions."""

    passport = models.CharField(max_length=12, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="entries")
    created_at = models.DateTimeField(auto_now_add=True)
    in_non_production = models.ForeignKey(
        "EntryRevision",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The revision that non-production clusters carry."),
    )
    in_production = models.ForeignKey(
        "EntryRevision",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The revision that production clusters carry."),
    )

    state: str  # only where the queryset was asked ``with_state``

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["passport"]
        verbose_name_plural = _("entries")

    def __str__(self) -> str:
        return self.passport

    @property
    def latest(self) -> EntryRevision:
        """The newest approved revision: non-production always carries it first."""
        if self.in_non_production is None:
            raise ValueError(f"{self.passport} has no revision")
        return self.in_non_production

    def carried_in(self, tier: str) -> EntryRevision | None:
        """The revision that clusters of the tier carry, in force or not."""
        return self.in_production if tier == Tier.PRODUCTION else self.in_non_production

    def is_in_force(self, at: datetime) -> bool:
        """Whether some cluster must carry the entry at ``at``."""
        return any(one is not None and one.is_in_force(at) for one in (self.in_non_production, self.in_production))


class EntryRevision(Identified):
    """What an entry says, as approved: immutable once written. A revocation is a revision too: a positive tombstone."""

    class Kind(models.TextChoices):
        GRANT = "grant", _("Grant")
        REVOCATION = "revocation", _("Revocation")

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.GRANT)

    destination = models.CharField(max_length=1000, help_text=_("Canonical form."))
    ports = models.CharField(max_length=500, help_text=_("Canonical form."))
    environments = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    cluster_labels = models.JSONField(default=dict, blank=True)
    namespaces = ArrayField(models.CharField(max_length=63), help_text=_("At least one."))
    workload = models.JSONField(
        default=dict, blank=True, help_text=_("Labels of the pods; empty: all of the namespace.")
    )
    accepted_widening = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    justification = models.TextField()
    ticket = models.CharField(max_length=300, blank=True)
    data_class = models.CharField(max_length=40, blank=True)
    expires_at = models.DateTimeField()

    effect_hash = models.CharField(max_length=64)
    request_id = models.UUIDField(null=True, help_text=_("The request that was approved; the workflow lies above."))
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    approved_at = models.DateTimeField()
    promoted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["entry", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "number"], name="revision_number_once"),
            models.UniqueConstraint(
                fields=["request_id"], condition=Q(request_id__isnull=False), name="revision_once_per_request"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("approved_at")), name="revision_expires_after_approval"
            ),
            models.CheckConstraint(condition=Q(namespaces__len__gte=1), name="revision_names_a_namespace"),
        ]

    def __str__(self) -> str:
        return f"{self.entry.passport} r{self.number}"

    @cached_property
    def parsed_destination(self) -> Destination:
        return parse_destination(self.destination)

    @cached_property
    def parsed_ports(self) -> tuple[PortRange, ...]:
        return parse_ports(self.ports)

    def is_in_force(self, at: datetime) -> bool:
        return self.kind == self.Kind.GRANT and self.expires_at > at

    def as_policy(self) -> PolicyEntry:
        """What the compilers take."""
        return PolicyEntry(
            passport=self.entry.passport,
            destination=self.parsed_destination,
            ports=self.parsed_ports,
            workload=LabelSelector(match_labels=tuple(sorted(self.workload.items()))),
            expires_at=self.expires_at,
            accepted_widening=frozenset(self.accepted_widening),
        )


class DesiredNamespace(Identified):
    """The newest wanted generation of one namespace at one enforcement point.

    The generation only grows; whatever is pushed carries the generation that it was compiled for, and an older one
    never overwrites a newer one.
    """

    enforcement_point = models.ForeignKey(EnforcementPoint, on_delete=models.CASCADE, related_name="desired")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="desired")
    generation = models.PositiveBigIntegerField(default=1)
    changed_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text=_("Hash of what the generation was bumped for; tells a changed scope.")
    )
    next_expiry_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the wanted state changes by itself.")
    )

    objects = DesiredNamespaceQuerySet.as_manager()

    class Meta:
        ordering = ["enforcement_point", "namespace__name"]
        constraints = [
            models.UniqueConstraint(fields=["enforcement_point", "namespace"], name="desired_once_per_namespace")
        ]
        indexes = [models.Index(fields=["next_expiry_at"], name="desired_next_expiry")]

    def __str__(self) -> str:
        return f"{self.namespace} g{self.generation}"
