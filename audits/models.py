"""The quarter's review: every entry earns its place again or goes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified, Team
from allowlist.models import Entry
from audits.querysets import CampaignQuerySet, CampaignRowQuerySet
from governance.models import EgressRequest


class Campaign(Identified):
    """One review of all entries in force. At most one for a quarter, however often it is asked for."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    class OnSilence(models.TextChoices):
        REVOKE = "revoke", _("Revoke")
        KEEP = "keep", _("Keep until its end")

    quarter = models.CharField(max_length=7, unique=True, help_text=_("Such as 2026-Q4."))
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    on_silence = models.CharField(max_length=10, choices=OnSilence.choices, default=OnSilence.REVOKE)
    opened_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-quarter"]

    def __str__(self) -> str:
        return self.quarter


class CampaignRow(Identified):
    """One entry under review, with what was known of it when the campaign opened."""

    class Decision(models.TextChoices):
        KEEP = "keep", _("Keep")
        REVOKE = "revoke", _("Revoke")

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="rows")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="campaign_rows")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="campaign_rows")
    destination = models.CharField(max_length=1000)
    ports = models.CharField(max_length=500)
    justification = models.TextField()
    expires_at = models.DateTimeField()
    entry_created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True, blank=True)
    usage = models.CharField(
        max_length=10, help_text=_("used, unused or unknown: unused only where logs covered the window.")
    )
    usage_reason = models.CharField(max_length=300, blank=True)

    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    new_end_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    request = models.ForeignKey(
        EgressRequest,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="campaign_rows",
        help_text=_("The ordinary request that carries the decision out."),
    )
    carried_out_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the decision, or silence, took effect.")
    )
    outcome = models.CharField(max_length=300, blank=True, help_text=_("What came of it, in words."))
    reminded_at = models.DateTimeField(null=True, blank=True)
    reminder_count = models.PositiveSmallIntegerField(default=0)

    objects = CampaignRowQuerySet.as_manager()

    class Meta:
        ordering = ["team__name", "destination"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "entry"], name="campaign_row_once_per_entry"),
            models.CheckConstraint(
                condition=~Q(decision="keep") | Q(new_end_at__isnull=False), name="kept_row_has_a_new_end"
            ),
            models.CheckConstraint(
                condition=Q(decision="") | Q(decided_by__isnull=False), name="decided_row_names_who"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry} in {self.campaign}"
