"""Messages and their deliveries, for looking only."""

from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from notifications.models import Delivery, Notification


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "recipient", "topic", "subject", "read_at")
    list_select_related = ("recipient",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("notification", "channel", "state", "attempts", "due_at", "last_error")
    list_select_related = ("notification",)
    list_filter = ("state",)
