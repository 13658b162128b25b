"""How many messages wait."""

from __future__ import annotations

from django import template

from notifications.models import Notification

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_count(context: template.Context) -> int:
    """The unread messages of whoever is signed in; one query, none for a visitor."""
    user = context.get("user")
    if user is None or not user.is_authenticated:
        return 0
    return Notification.objects.visible_to(user).unread().count()
