"""Who hears what, and whether it reached them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified
from notifications.querysets import DeliveryQuerySet, NotificationQuerySet


class Notification(Identified):
    """One message to one person; the row is the truth, a mail is only its copy."""

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    topic = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    link = models.CharField(max_length=300, blank=True, help_text=_("Path of the page where one acts on it."))
    deduplication_key = models.CharField(
        max_length=200, help_text=_("The same message is never sent twice to a person.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "deduplication_key"], name="notification_once_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.recipient}"


class Delivery(Identified):
    """One copy on its way through one channel; retried from the row, not from the broker."""

    class State(models.TextChoices):
        DUE = "due", _("Due")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Given up")

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=20, default="mail")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        constraints = [models.UniqueConstraint(fields=["notification", "channel"], name="delivery_once_per_channel")]
        indexes = [models.Index(fields=["state", "due_at"], name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.notification.subject}"
