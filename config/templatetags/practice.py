"""The practice clusters' progress on the pages of the fleet."""

from django import template
from django.conf import settings

from config.demo import progress

register = template.Library()


@register.inclusion_tag("components/practice.html")
def practice_progress() -> dict[str, object]:
    """How far the practice clusters are; nothing outside the demonstration, nothing once they run."""
    return {"progress": progress.read() if settings.DEMO_MODE else None}
