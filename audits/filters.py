"""What the rows of a campaign can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audits.models import Campaign, CampaignRow
from audits.querysets import CampaignRowQuerySet

DECISIONS = [("undecided", _("Undecided")), *CampaignRow.Decision.choices]
USAGES = [("used", _("Used")), ("unused", _("Unused")), ("unknown", _("Not known"))]


class RowFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(
        label=_("Passport or destination"),
        method="by_text",
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    decision = django_filters.ChoiceFilter(label=_("Decision"), choices=DECISIONS, method="by_decision")
    usage = django_filters.ChoiceFilter(label=_("Use"), choices=USAGES)
    team = django_filters.CharFilter(label=_("Team"), field_name="team__slug", max_length=63)
    mine = django_filters.BooleanFilter(label=_("Mine to decide"), method="by_mine", widget=forms.CheckboxInput())

    class Meta:
        model = CampaignRow
        fields: list[str] = []

    def by_text(self, rows: CampaignRowQuerySet, _name: str, value: str) -> CampaignRowQuerySet:
        return rows.filter(Q(entry__passport__icontains=value) | Q(destination__icontains=value))

    def by_decision(self, rows: CampaignRowQuerySet, _name: str, value: str) -> CampaignRowQuerySet:
        return rows.undecided() if value == "undecided" else rows.filter(decision=value)

    def by_mine(self, rows: CampaignRowQuerySet, _name: str, value: bool) -> CampaignRowQuerySet:
        return rows.decidable_by(self.request.user) if value else rows


class CampaignFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("State"), choices=Campaign.State.choices)

    class Meta:
        model = Campaign
        fields: list[str] = []
