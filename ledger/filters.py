"""What the trail can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from ledger.models import LedgerEntry, Origin


class LedgerFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(label=_("Text"), method="by_text", max_length=120)
    action = django_filters.CharFilter(label=_("Action"), lookup_expr="istartswith", max_length=80)
    actor = django_filters.CharFilter(label=_("Who"), method="by_actor", max_length=200)
    subject = django_filters.CharFilter(
        label=_("Of what"), method="by_subject", max_length=400, help_text=_("A name, or kind:id as links carry it.")
    )
    origin = django_filters.ChoiceFilter(label=_("From where"), choices=Origin.choices)
    since = django_filters.DateFilter(
        label=_("Since"),
        field_name="recorded_at",
        lookup_expr="date__gte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = django_filters.DateFilter(
        label=_("Until"),
        field_name="recorded_at",
        lookup_expr="date__lte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    class Meta:
        model = LedgerEntry
        fields: list[str] = []

    def by_text(self, entries: QuerySet[LedgerEntry], _name: str, value: str) -> QuerySet[LedgerEntry]:
        return entries.filter(
            Q(subject_name__icontains=value) | Q(actor_name__icontains=value) | Q(action__icontains=value)
        )

    def by_actor(self, entries: QuerySet[LedgerEntry], _name: str, value: str) -> QuerySet[LedgerEntry]:
        return entries.filter(Q(actor_name__icontains=value) | Q(actor__email=value.lower()))

    def by_subject(self, entries: QuerySet[LedgerEntry], _name: str, value: str) -> QuerySet[LedgerEntry]:
        kind, _colon, key = value.partition(":")
        if key:
            return entries.filter(subject_kind=kind, subject_id=key)
        return entries.filter(Q(subject_name__icontains=value) | Q(subject_kind=value.lower()))
