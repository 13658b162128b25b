"""What lists of people and teams can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, Team, User

STATES = [("active", _("Active")), ("disabled", _("Disabled")), ("automation", _("Automation"))]


def _search(label: str) -> forms.TextInput:
    return forms.TextInput(attrs={"type": "search", "placeholder": label})


class PeopleFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(label=_("Name or address"), method="by_text", max_length=120)
    role = django_filters.ChoiceFilter(label=_("Role"), choices=Role.choices, field_name="groups__name")
    team = django_filters.CharFilter(label=_("Team"), field_name="memberships__team__slug", max_length=63)
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="by_state")

    class Meta:
        model = User
        fields: list[str] = []

    def by_text(self, people: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return people.filter(Q(display_name__icontains=value) | Q(email__icontains=value))

    def by_state(self, people: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        if value == "automation":
            return people.filter(is_automation=True)
        return people.filter(is_active=value == "active")


class TeamFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(label=_("Name"), method="by_text", max_length=120)

    class Meta:
        model = Team
        fields: list[str] = []

    def by_text(self, teams: QuerySet[Team], _name: str, value: str) -> QuerySet[Team]:
        return teams.filter(Q(name__icontains=value) | Q(slug__icontains=value))
