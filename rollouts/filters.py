"""What lists of rollouts and differences can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rollouts.models import DriftFinding, Rollout
from rollouts.querysets import RolloutQuerySet

STATES = [("under-way", _("Under way")), *Rollout.State.choices]


class RolloutFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(
        label=_("Passport or destination"),
        method="by_text",
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="by_state")
    team = django_filters.CharFilter(label=_("Team"), field_name="revision__entry__team__slug", max_length=63)

    class Meta:
        model = Rollout
        fields: list[str] = []

    def by_text(self, rollouts: RolloutQuerySet, _name: str, value: str) -> RolloutQuerySet:
        return rollouts.filter(
            Q(revision__entry__passport__icontains=value) | Q(revision__destination__icontains=value)
        )

    def by_state(self, rollouts: RolloutQuerySet, _name: str, value: str) -> RolloutQuerySet:
        return rollouts.under_way() if value == "under-way" else rollouts.filter(state=value)


class DriftFilter(django_filters.FilterSet):
    cluster = django_filters.CharFilter(label=_("Cluster"), field_name="namespace__cluster__name", max_length=63)
    namespace = django_filters.CharFilter(label=_("Namespace"), field_name="namespace__name", max_length=63)
    difference = django_filters.ChoiceFilter(label=_("Difference"), choices=DriftFinding.Difference.choices)
    open = django_filters.BooleanFilter(label=_("Open"), field_name="resolved_at", lookup_expr="isnull")

    class Meta:
        model = DriftFinding
        fields: list[str] = []
