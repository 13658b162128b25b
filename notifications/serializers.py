"""Messages as the API tells them."""

from rest_framework import serializers

from notifications.models import Notification


class NotificationSerializer(serializers.ModelSerializer):
    """One message to the caller."""

    class Meta:
        model = Notification
        fields = ("id", "topic", "subject", "body", "link", "created_at", "read_at")
        read_only_fields = fields
