"""What the REST API itself must remember: answers already given under an idempotency key."""

from django.conf import settings
from django.db import models

from accounts.models import Identified


class IdempotentCall(Identified):
    """One unsafe call and its answer; the same key with the same body gets the same answer again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user")]
        indexes = [models.Index(fields=["made_at"], name="idempotent_call_by_age")]

    def __str__(self) -> str:
        return self.key
