"""The tamper-evident trail: append-only by trigger, each entry bound to the one before it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.querysets import LedgerEntryQuerySet


class Origin(models.TextChoices):
    PAGE = "page", _("Page")
    API = "api", _("API")
    TASK = "task", _("Task")
    COMMAND = "command", _("Command")


class LedgerEntry(models.Model):
    """One write: who, what, to what, from where, before and after. Never updated, never deleted."""

    sequence = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    action = models.CharField(max_length=80)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="ledger_entries"
    )
    actor_name = models.CharField(max_length=200, help_text=_("As it read then; “system” when no account acted."))
    origin = models.CharField(max_length=10, choices=Origin.choices)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    subject_name = models.CharField(max_length=300)
    team_id = models.UUIDField(null=True, blank=True, help_text=_("The team whose members may see this entry."))
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "-sequence"], name="ledger_by_subject"),
            models.Index(fields=["action", "-sequence"], name="ledger_by_action"),
            models.Index(fields=["team_id", "-sequence"], name="ledger_by_team"),
        ]
        verbose_name_plural = _("ledger entries")

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"
