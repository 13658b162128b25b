"""How the fleet is shown."""

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from clusters.models import Cluster, Contact
from clusters.states import Look, look_of

register = template.Library()

_CONTACTS = {
    Contact.State.DUE: ("info", "clock"),
    Contact.State.RUNNING: ("info", "loader"),
    Contact.State.DONE: ("success", "circle-check"),
    Contact.State.FAILED: ("danger", "circle-x"),
}
_RESULTS = {"ok": ("success", "check"), "warning": ("warning", "alert-triangle"), "failed": ("danger", "x")}


@register.simple_tag
def cluster_state(cluster: Cluster) -> Look:
    """Tone, icon, word and reason of a cluster's state, now."""
    return look_of(cluster, at=timezone.now())


@register.simple_tag
def contact_state(contact: Contact) -> Look:
    tone, icon = _CONTACTS[Contact.State(contact.state)]
    return Look(tone, icon, str(contact.get_state_display()), "")


@register.filter
def result_look(result: str) -> Look:
    """How one line of a report is shown."""
    tone, icon = _RESULTS.get(result, ("muted", "question-mark"))
    words = {"ok": _("In order"), "warning": _("Limited"), "failed": _("Failed")}
    return Look(tone, icon, words.get(result, result), "")


@register.filter
def as_labels(labels: dict[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in sorted(labels.items())]
