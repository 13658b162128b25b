"""The workflow: requests for a change of the allowlist and the approvals that let them through."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified, Team
from allowlist.models import Entry
from governance.querysets import ApprovalQuerySet, EgressRequestQuerySet


class EgressRequest(Identified):
    """A proposed change of one entry. What approvals bind to is the hash of its effect, not its text."""

    class Kind(models.TextChoices):
        ADD = "add", _("Add")
        MODIFY = "modify", _("Modify")
        RENEW = "renew", _("Renew")
        REVOKE = "revoke", _("Revoke")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in-review", _("In review")
        CHANGES_REQUESTED = "changes-requested", _("Changes requested")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed unanswered")
        COVERED = "covered", _("Closed: already allowed")

    number = models.PositiveIntegerField(unique=True, help_text=_("Shown as REQ-number."))
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ADD)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="requests")
    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="requests")

    destination = models.CharField(max_length=1000)
    ports = models.CharField(max_length=500)
    environments = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    cluster_labels = models.JSONField(default=dict, blank=True)
    namespaces = ArrayField(models.CharField(max_length=63))
    workload = models.JSONField(default=dict, blank=True)
    accepted_widening = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    justification = models.TextField()
    ticket = models.CharField(max_length=300, blank=True)
    data_class = models.CharField(max_length=40, blank=True)
    expires_at = models.DateTimeField()

    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="egress_requests")
    requester_person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last_editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last_editor_person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(
        default=1, help_text=_("Grows with every edit; who acts names the one read.")
    )
    effect_hash = models.CharField(max_length=64, blank=True)
    effect = models.JSONField(
        default=dict, help_text=_("What the hash was taken over: fragments and fidelity per cluster.")
    )
    risk = models.JSONField(default=dict, help_text=_("Findings with reasons, and the rule-set version."))
    needs = models.JSONField(
        default=list, help_text=_("Approvals asked for, frozen at submission: role, count, because.")
    )

    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    answer_due_at = models.DateTimeField(null=True, blank=True, help_text=_("Lapses when nobody has decided by then."))
    decided_at = models.DateTimeField(null=True, blank=True)
    origin = models.CharField(max_length=20, default="page", help_text=_("page, api, denied-flow or campaign."))

    objects = EgressRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="add") | Q(entry__isnull=False), name="request_names_the_entry_it_changes"
            ),
            models.CheckConstraint(
                condition=~Q(state="in-review") | ~Q(effect_hash=""), name="request_in_review_has_an_effect"
            ),
            models.UniqueConstraint(
                fields=["entry"],
                condition=Q(state__in=["draft", "in-review", "changes-requested"]) & ~Q(kind="add"),
                name="one_open_request_per_entry",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "answer_due_at"], name="request_by_state"),
            models.Index(fields=["team", "-number"], name="request_by_team"),
        ]

    def __str__(self) -> str:
        return f"REQ-{self.number}"

    @property
    def reference(self) -> str:
        return f"REQ-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.state in {self.State.DRAFT, self.State.IN_REVIEW, self.State.CHANGES_REQUESTED}


class Approval(Identified):
    """One reviewer's verdict on one effect. Triggers hold four eyes: never the person who asked or edited last."""

    class Decision(models.TextChoices):
        APPROVE = "approve", _("Approved")
        REJECT = "reject", _("Rejected")
        REQUEST_CHANGES = "request-changes", _("Changes requested")

    request = models.ForeignKey(EgressRequest, on_delete=models.PROTECT, related_name="approvals")
    revision = models.PositiveIntegerField()
    effect_hash = models.CharField(max_length=64)
    decision = models.CharField(max_length=20, choices=Decision.choices)
    role = models.CharField(max_length=30, help_text=_("The role in which the reviewer decided."))
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    reviewer_person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    comment = models.TextField(blank=True)
    cited_rule = models.CharField(max_length=100, blank=True, help_text=_("A rejection cites its rule."))
    acceptable_change = models.TextField(blank=True, help_text=_("The nearest change that would be approved."))
    decided_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_because = models.CharField(max_length=200, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["decided_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "reviewer_person"],
                condition=Q(voided_at=None, decision="approve"),
                name="approval_once_per_person",
            ),
            models.CheckConstraint(
                condition=~Q(decision="reject") | ~Q(cited_rule=""), name="rejection_cites_its_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision} of {self.request} by {self.reviewer}"


class RequestCounter(models.Model):
    """The last request number given out; one row, locked while a number is taken, so that numbers have no gaps."""

    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="request_counter_is_one_row")]

    def __str__(self) -> str:
        return str(self.last)
