"""Bundles on their way: what was compiled, what was pushed, what was read back, and where the cluster differs."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified
from allowlist.models import EntryRevision
from clusters.models import EnforcementPoint, Namespace, Tier
from rollouts.querysets import DriftFindingQuerySet, NamespacePushQuerySet, RolloutQuerySet


class Rollout(Identified):
    """One approved revision on its way: non-production, proof, promotion, production."""

    class State(models.TextChoices):
        NON_PRODUCTION = "non-production", _("Going to non-production")
        AWAITING_PROOF = "awaiting-proof", _("Waiting for proof")
        PROVED = "proved", _("Proved, may be promoted")
        PRODUCTION = "production", _("Going to production")
        COMPLETE = "complete", _("In force everywhere in scope")
        SUPERSEDED = "superseded", _("Superseded by a later revision")

    revision = models.OneToOneField(EntryRevision, on_delete=models.PROTECT, related_name="rollout")
    state = models.CharField(max_length=20, choices=State.choices, default=State.NON_PRODUCTION)
    started_at = models.DateTimeField()
    state_since = models.DateTimeField()
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    promoted_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = RolloutQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["state"], name="rollout_by_state")]

    def __str__(self) -> str:
        return f"Rollout of {self.revision}"


class RolloutTarget(Identified):
    """One namespace at one enforcement point that a rollout must reach, and how far it has come there."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        WRITTEN = "written", _("Written")
        VERIFIED = "verified", _("Read back identical")
        FAILED = "failed", _("Failed")
        IMPOSSIBLE = "impossible", _("Cannot be expressed there")

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="targets")
    enforcement_point = models.ForeignKey(EnforcementPoint, on_delete=models.CASCADE, related_name="rollout_targets")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="rollout_targets")
    tier = models.CharField(max_length=20, choices=Tier.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True)
    generation = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("The generation that must be reached.")
    )
    bundle_hash = models.CharField(max_length=64, blank=True, help_text=_("What was read back."))
    rendered_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    observed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("First flow seen under it: enforced, not only accepted.")
    )

    class Meta:
        ordering = ["tier", "enforcement_point__cluster__name", "namespace__name"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "enforcement_point", "namespace"], name="rollout_target_once")
        ]
        indexes = [models.Index(fields=["enforcement_point", "namespace", "state"], name="rollout_target_open")]

    def __str__(self) -> str:
        return f"{self.rollout} → {self.namespace}"

    @property
    def moments(self) -> tuple[datetime | None, ...]:
        """When it was rendered, written, read back and first seen in flows."""
        return self.rendered_at, self.written_at, self.verified_at, self.observed_at


class Proof(Identified):
    """The evidence from non-production under which a revision may reach production."""

    rollout = models.OneToOneField(Rollout, on_delete=models.PROTECT, related_name="proof")
    effect_hash = models.CharField(max_length=64)
    evidence = models.JSONField(
        help_text=_("Per non-production target: cluster, namespace, generation, bundle hash, read back at.")
    )
    statement = models.TextField(help_text=_("What the person saw working."))
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Proof of {self.rollout}"


class Bundle(Identified):
    """What was compiled for one generation of one namespace: immutable, and the only thing that a push may write."""

    enforcement_point = models.ForeignKey(EnforcementPoint, on_delete=models.CASCADE, related_name="bundles")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="bundles")
    generation = models.PositiveBigIntegerField()
    dialect = models.CharField(max_length=40)
    template_version = models.CharField(max_length=20)
    hash = models.CharField(max_length=64)
    objects_json = models.JSONField()
    passports = models.JSONField(default=list)
    fidelity = models.JSONField(default=dict, help_text=_("Passport → verdict, reason, witnesses."))
    compiled_at = models.DateTimeField()

    class Meta:
        ordering = ["-generation"]
        constraints = [
            models.UniqueConstraint(
                fields=["enforcement_point", "namespace", "generation"], name="bundle_once_per_generation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.namespace} g{self.generation} {self.hash[:12]}"


class NamespacePush(Identified):
    """The work row of one namespace at one enforcement point: claimed with a lease, found again by the sweeper."""

    class State(models.TextChoices):
        IDLE = "idle", _("In step")
        DUE = "due", _("Waiting to be pushed")
        CLAIMED = "claimed", _("Being pushed")
        FAILED = "failed", _("Failed, will be tried again")
        HELD = "held", _("Held for a person")

    enforcement_point = models.ForeignKey(EnforcementPoint, on_delete=models.CASCADE, related_name="pushes")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="pushes")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    due_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    attempted_generation = models.PositiveBigIntegerField(
        default=0, help_text=_("The generation of the last attempt: a newer one is tried at once.")
    )
    held_because = models.CharField(max_length=500, blank=True)
    generation_ahead = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("What the cluster carries, where that is newer than anything wanted here.")
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    released_hash = models.CharField(
        max_length=64, blank=True, help_text=_("The bundle that a person let through although it removes much.")
    )

    published = models.ForeignKey(
        Bundle,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("The bundle last written and read back identical."),
    )
    published_at = models.DateTimeField(null=True, blank=True)
    compared_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Last time live was compared with published.")
    )
    default_deny_since = models.DateTimeField(null=True, blank=True, help_text=_("Since when the deny is read back."))
    dns_allowed_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when the DNS rule is read back.")
    )
    compare_due_at = models.DateTimeField()

    objects = NamespacePushQuerySet.as_manager()

    class Meta:
        ordering = ["enforcement_point", "namespace__name"]
        constraints = [
            models.UniqueConstraint(fields=["enforcement_point", "namespace"], name="push_once_per_namespace")
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="push_due"),
            models.Index(fields=["compare_due_at"], name="push_compare_due"),
        ]

    def __str__(self) -> str:
        return f"push of {self.namespace}"


class DriftFinding(Identified):
    """One difference between what was published and what lies on the cluster. Never without a reason."""

    class Difference(models.TextChoices):
        MISSING = "missing", _("Deleted on the cluster")
        CHANGED = "changed", _("Changed on the cluster")
        EXTRA = "extra", _("Carries our label, but is not ours")
        FOREIGN = "foreign", _("Somebody else's policy opens egress")

    class Resolution(models.TextChoices):
        REVERTED = "reverted", _("Reverted")
        ADOPTED = "adopted", _("Adopted as a request")
        ACCEPTED = "accepted", _("Accepted until a date")
        GONE = "gone", _("Went away by itself")

    enforcement_point = models.ForeignKey(EnforcementPoint, on_delete=models.CASCADE, related_name="drift")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="drift")
    api_version = models.CharField(max_length=80)
    kind = models.CharField(max_length=80)
    name = models.CharField(max_length=253)
    difference = models.CharField(max_length=10, choices=Difference.choices)
    reason = models.CharField(max_length=1000)
    fields = models.JSONField(default=list, help_text=_("Per difference: path, published value, live value."))
    approved = models.JSONField(null=True, help_text=_("The object as the approved entries compile now."))
    published = models.JSONField(null=True, help_text=_("The object as it was last written."))
    live = models.JSONField(null=True, help_text=_("The object as it lies on the cluster."))
    changed_by = models.CharField(max_length=200, blank=True, help_text=_("Field manager, where the cluster tells."))
    changed_at = models.DateTimeField(null=True, blank=True)
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    revert_asked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("A person wants the published side back.")
    )
    revert_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolution = models.CharField(max_length=10, choices=Resolution.choices, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    accepted_until = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)

    objects = DriftFindingQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["enforcement_point", "namespace", "api_version", "kind", "name"],
                condition=Q(resolved_at=None),
                name="drift_open_once_per_object",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="drift_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.difference} {self.kind}/{self.name}"
