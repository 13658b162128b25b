"""Named reads of messages."""

from datetime import datetime
from typing import Self

from django.db import models

from accounts.models import User


class NotificationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(recipient=user)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class DeliveryQuerySet(models.QuerySet):
    def due(self, at: datetime) -> Self:
        return self.filter(state="due", due_at__lte=at)
