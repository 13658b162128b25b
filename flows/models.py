"""Observed egress: who sent what we read, the hourly roll-up of it, and the times for which we know nothing."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified
from allowlist.models import Entry
from clusters.models import Cluster
from flows.querysets import FlowRollupQuerySet, FlowSourceQuerySet


class Verdict(models.TextChoices):
    ALLOW = "allow", _("Allowed")
    DENY_POLICY = "deny_policy", _("Denied by policy")
    DROP_OTHER = "drop_other", _("Dropped for another reason")
    WOULD_DENY = "would_deny", _("Would be denied")
    AUTH_CHALLENGE = "auth_challenge", _("Asked to authenticate")
    UNKNOWN = "unknown", _("Unknown")


class FlowSource(Identified):
    """A sender of flow records. Its token, never its payload, says which cluster the records are from."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="flow_sources")
    name = models.CharField(max_length=80)
    format = models.CharField(max_length=20, default="hubble")
    token_digest = models.CharField(max_length=64, unique=True)
    token_prefix = models.CharField(max_length=12)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_batch_at = models.DateTimeField(null=True, blank=True)
    newest_flow_at = models.DateTimeField(null=True, blank=True)

    objects = FlowSourceQuerySet.as_manager()

    class Meta:
        ordering = ["cluster__name", "name"]
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="flow_source_once_per_cluster")]

    def __str__(self) -> str:
        return f"{self.cluster.name}/{self.name}"


class FlowBatch(Identified):
    """One accepted delivery; the same batch delivered again changes nothing."""

    source = models.ForeignKey(FlowSource, on_delete=models.CASCADE, related_name="batches")
    batch_key = models.CharField(max_length=100, help_text=_("The sender's id of the batch, or the hash of its body."))
    body_digest = models.CharField(
        max_length=64, default="", help_text=_("Tells a repeated batch from another one under its id.")
    )
    received_at = models.DateTimeField()
    lines = models.PositiveIntegerField()
    flows = models.PositiveIntegerField()
    skipped = models.PositiveIntegerField(help_text=_("Well-formed, but no egress: replies, ingress, other events."))
    rejected = models.PositiveIntegerField()
    rejections = models.JSONField(default=list, help_text=_("The first few: line number and reason."))
    reasons = models.JSONField(default=dict, help_text=_("How many lines were skipped and rejected, by reason."))
    oldest_flow_at = models.DateTimeField(null=True, blank=True)
    newest_flow_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-received_at"]
        verbose_name_plural = _("flow batches")
        constraints = [models.UniqueConstraint(fields=["source", "batch_key"], name="flow_batch_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.batch_key}"


class FlowRollup(models.Model):
    """Flows of one hour that share cluster, workload, destination, port and verdict. Absent names are empty strings."""

    id = models.BigAutoField(primary_key=True)
    hour = models.DateTimeField()
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    namespace = models.CharField(max_length=63)
    workload = models.CharField(max_length=253, blank=True)
    layer = models.CharField(max_length=20, default="hubble")
    destination_name = models.CharField(max_length=253, blank=True)
    other_names = ArrayField(
        models.CharField(max_length=253),
        default=list,
        help_text=_("Further names that the address had when it was reached."),
    )
    destination_address = models.GenericIPAddressField(null=True)
    port = models.PositiveIntegerField(null=True)
    protocol = models.CharField(max_length=10)
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    entry = models.ForeignKey(
        Entry,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="rollups",
        help_text=_("The first entry that allowed it; usage of every entry is kept on its own."),
    )
    flow_count = models.PositiveBigIntegerField()
    bytes_out = models.PositiveBigIntegerField(null=True, help_text=_("Null where the source does not count bytes."))
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    objects = FlowRollupQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "hour",
                    "cluster",
                    "namespace",
                    "workload",
                    "layer",
                    "destination_name",
                    "destination_address",
                    "port",
                    "protocol",
                    "verdict",
                ],
                nulls_distinct=False,
                name="rollup_once_per_hour",
            )
        ]
        indexes = [
            models.Index(fields=["entry", "-last_seen_at"], name="rollup_by_entry"),
            models.Index(fields=["verdict", "namespace", "-last_seen_at"], name="rollup_by_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.workload} → {self.destination_name or self.destination_address}:{self.port}"


class EntryUsage(models.Model):
    """What one entry carried for one workload on one day. Flows that several entries allow count for each of them."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField()
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    namespace = models.CharField(max_length=63)
    workload = models.CharField(max_length=253, blank=True)
    flow_count = models.PositiveBigIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_seen_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "day", "cluster", "namespace", "workload"], name="entry_usage_once_per_day"
            )
        ]
        verbose_name_plural = _("entry usage")

    def __str__(self) -> str:
        return f"{self.entry} on {self.day} by {self.namespace}/{self.workload}"


class DeliveredHour(models.Model):
    """An hour of which a source delivered records: without one, silence says nothing about that hour."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(FlowSource, on_delete=models.CASCADE, related_name="delivered_hours")
    hour = models.DateTimeField()
    records = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["-hour"]
        constraints = [models.UniqueConstraint(fields=["source", "hour"], name="delivered_hour_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.hour:%Y-%m-%d %H:00}"


class CoverageGap(Identified):
    """A time for which the log is known to be incomplete: nothing seen then proves nothing."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="coverage_gaps")
    source = models.ForeignKey(FlowSource, on_delete=models.CASCADE, related_name="gaps")
    node = models.CharField(max_length=253, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    lost = models.PositiveBigIntegerField(default=0)
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-ended_at"]
        indexes = [models.Index(fields=["cluster", "ended_at"], name="gap_by_cluster")]

    def __str__(self) -> str:
        return f"{self.cluster.name} {self.started_at:%Y-%m-%d %H:%M}"
