"""What lists of the fleet can be narrowed by; the state stands in the address."""

from __future__ import annotations

import django_filters
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clusters.models import Cluster, Contact, Environment, Namespace
from clusters.querysets import ClusterQuerySet, NamespaceQuerySet
from policy.errors import InvalidSelector
from policy.selectors import parse_selector

STALE, RETIRED = "stale", "retired"
STATES = [*Cluster.State.choices, (STALE, _("Not known: silent for too long")), (RETIRED, _("Retired"))]


class ClusterFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(label=_("Name"), field_name="name", lookup_expr="icontains", max_length=63)
    environment = django_filters.ModelChoiceFilter(
        label=_("Environment"), queryset=Environment.objects.all(), to_field_name="slug"
    )
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="by_state")
    label = django_filters.CharFilter(label=_("Labels, such as region=eu"), method="by_label", max_length=200)

    class Meta:
        model = Cluster
        fields: list[str] = []

    def filter_queryset(self, queryset: ClusterQuerySet) -> ClusterQuerySet:
        """Retired clusters are shown only when they are asked for."""
        chosen: ClusterQuerySet = super().filter_queryset(queryset)
        is_asked = self.form.cleaned_data.get("state") == RETIRED
        return chosen if is_asked else chosen.filter(retired_at=None)

    def by_state(self, clusters: ClusterQuerySet, _name: str, value: str) -> ClusterQuerySet:
        if value == RETIRED:
            return clusters.exclude(retired_at=None)
        now = timezone.now()
        if value == STALE:
            return clusters.stale(now)
        if value == Cluster.State.CONNECTED:
            return clusters.filter(state=value).exclude(pk__in=Cluster.objects.stale(now).values("pk"))
        return clusters.filter(state=value)

    def by_label(self, clusters: ClusterQuerySet, _name: str, value: str) -> ClusterQuerySet:
        try:
            return clusters.filter(labels__contains=parse_selector(value).as_labels())
        except InvalidSelector:
            return clusters.none()


class NamespaceFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(label=_("Name"), field_name="name", lookup_expr="icontains", max_length=63)
    cluster = django_filters.CharFilter(label=_("Cluster"), field_name="cluster__name", max_length=63)
    team = django_filters.CharFilter(label=_("Team"), field_name="team__slug", max_length=63)
    unassigned = django_filters.BooleanFilter(label=_("Nobody answers for it"), field_name="team", lookup_expr="isnull")
    gone = django_filters.BooleanFilter(label=_("Gone"), method="by_gone")

    class Meta:
        model = Namespace
        fields: list[str] = []

    def by_gone(self, namespaces: NamespaceQuerySet, _name: str, value: bool) -> NamespaceQuerySet:
        return namespaces.filter(~Q(gone_at=None) if value else Q(gone_at=None))


class ContactFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Contact.Kind.choices)
    state = django_filters.ChoiceFilter(label=_("State"), choices=Contact.State.choices)

    class Meta:
        model = Contact
        fields: list[str] = []
