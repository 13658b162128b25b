"""What the list of requests can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.text import fault_in
from clusters.permissions import account_of
from governance.models import EgressRequest

TURNS = [("mine", _("My turn")), ("waiting", _("Waiting on others"))]
RISKS = [
    ("none", _("None found")),
    ("low", _("Low")),
    ("medium", _("Medium")),
    ("high", _("High")),
    ("refuse", _("Refused")),
]
STATES = [("open", _("Open")), *EgressRequest.State.choices]
ORDERS = {
    "": ("-number",),
    "age": ("submitted_at", "number"),
    "risk": ("-risk_rank", "submitted_at", "number"),
}
ORDER_CHOICES = [("age", _("Oldest first")), ("risk", _("Highest risk first"))]


def visible_teams(request: HttpRequest | None) -> QuerySet[Team]:
    """The teams that the person may narrow by; none while the schema is drawn up."""
    return Team.objects.none() if request is None else Team.objects.visible_to(account_of(request))


class RequestFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(
        label=_("Destination, number or passport"),
        method="by_text",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    turn = django_filters.ChoiceFilter(label=_("Whose turn"), choices=TURNS, method="by_turn")
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="by_state")
    team = django_filters.ModelChoiceFilter(label=_("Team"), queryset=visible_teams, to_field_name="slug")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=EgressRequest.Kind.choices)
    risk = django_filters.ChoiceFilter(label=_("Risk"), choices=RISKS, field_name="risk__severity")
    order = django_filters.ChoiceFilter(
        label=_("Order"), choices=ORDER_CHOICES, method="by_order", empty_label=_("Newest first")
    )

    class Meta:
        model = EgressRequest
        fields: list[str] = []

    def by_text(self, requests: QuerySet[EgressRequest], _name: str, value: str) -> QuerySet[EgressRequest]:
        text = value.strip()
        if fault_in(text):
            return requests.none()
        found = (
            Q(destination__icontains=text)
            | Q(entry__passport__iexact=text)
            | Q(requester__display_name__icontains=text)
        )
        number = text.upper().removeprefix("REQ-")
        if number.isascii() and number.isdigit() and len(number) < 10:
            found |= Q(number=int(number))
        return requests.filter(found)

    def by_turn(self, requests: QuerySet[EgressRequest], _name: str, value: str) -> QuerySet[EgressRequest]:
        user = account_of(self.request)
        return requests.turn_of(user) if value == "mine" else requests.waiting_on_others(user)

    def by_state(self, requests: QuerySet[EgressRequest], _name: str, value: str) -> QuerySet[EgressRequest]:
        return requests.open() if value == "open" else requests.filter(state=value)

    def by_order(self, requests: QuerySet[EgressRequest], _name: str, value: str) -> QuerySet[EgressRequest]:
        return requests.order_by(*ORDERS.get(value, ORDERS[""]))
