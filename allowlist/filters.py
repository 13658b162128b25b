"""What the list of entries can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.text import fault_in
from allowlist.models import Entry
from allowlist.querysets import EXPIRED, IN_FORCE, NON_PRODUCTION, REVOKED
from allowlist.search import reaching
from clusters.models import Environment
from clusters.permissions import account_of

STATES = [
    (IN_FORCE, _("In force")),
    (NON_PRODUCTION, _("Non-production only")),
    (EXPIRED, _("Ended")),
    (REVOKED, _("Revoked")),
]
EXPIRING = [("yes", _("Within 30 days"))]


def visible_teams(request: HttpRequest | None) -> QuerySet[Team]:
    """The teams that the person may narrow by; none while the schema is drawn up."""
    return Team.objects.none() if request is None else Team.objects.visible_to(account_of(request))


class EntryFilter(django_filters.FilterSet):
    """Expects entries that carry their state (``with_state``)."""

    text = django_filters.CharFilter(
        label=_("Host, address, network or passport"),
        method="by_text",
        max_length=300,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    team = django_filters.ModelChoiceFilter(label=_("Team"), queryset=visible_teams, to_field_name="slug")
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES)
    environment = django_filters.ModelChoiceFilter(
        label=_("Environment"), queryset=Environment.objects.all(), to_field_name="slug", method="by_environment"
    )
    expiring = django_filters.ChoiceFilter(label=_("Ends"), choices=EXPIRING, method="by_end")

    class Meta:
        model = Entry
        fields: list[str] = []

    def by_text(self, entries: QuerySet[Entry], _name: str, value: str) -> QuerySet[Entry]:
        text = value.strip()
        return entries.none() if fault_in(text) else reaching(entries, text)

    def by_environment(self, entries: QuerySet[Entry], _name: str, value: Environment) -> QuerySet[Entry]:
        """Entries whose scope takes the environment: those that name it, and those that name none."""
        named = entries.filter(in_non_production__environments__contains=[value.slug])
        return named | entries.filter(in_non_production__environments=[])

    def by_end(self, entries: QuerySet[Entry], _name: str, _value: str) -> QuerySet[Entry]:
        return entries.expiring(timezone.now())
