"""What policy stopped, grouped so that a person can act on it: from where, to where, how often and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, CharField, F, Func, Max, Min, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from clusters.models import Environment, Namespace
from flows.models import FlowRollup, Verdict

PERIODS = [("1", _("Last day")), ("7", _("Last 7 days")), ("30", _("Last 30 days"))]
DEFAULT_DAYS = "7"
_DENIALS = [
    (Verdict.DENY_POLICY, Verdict.DENY_POLICY.label),
    (Verdict.WOULD_DENY, Verdict.WOULD_DENY.label),
]


class DeniedFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(
        label=_("Destination"), field_name="destination", lookup_expr="icontains", max_length=253
    )
    team = django_filters.CharFilter(label=_("Team"), field_name="team_slug", max_length=63)
    namespace = django_filters.CharFilter(label=_("Namespace"), max_length=63)
    cluster = django_filters.CharFilter(label=_("Cluster"), field_name="cluster__name", max_length=63)
    environment = django_filters.ModelChoiceFilter(
        label=_("Environment"),
        field_name="cluster__environment",
        queryset=Environment.objects.all(),
        to_field_name="slug",
    )
    verdict = django_filters.ChoiceFilter(label=_("Verdict"), choices=_DENIALS)
    days = django_filters.ChoiceFilter(label=_("Period"), choices=PERIODS, empty_label=None, method="by_days")

    class Meta:
        model = FlowRollup
        fields: list[str] = []

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(
            {"days": DEFAULT_DAYS, **(data.dict() if hasattr(data, "dict") else data or {})}, *args, **kwargs
        )

    def by_days(self, rollups: QuerySet[FlowRollup], _name: str, value: str) -> QuerySet[FlowRollup]:
        return rollups.filter(last_seen_at__gte=timezone.now() - timedelta(days=int(value)))


@dataclass(frozen=True, slots=True)
class DeniedGroup:
    """Denied flows that one request could allow."""

    team: str
    team_name: str
    namespace: str
    workload: str
    destination: str
    is_name: bool
    port: int | None
    protocol: str
    clusters: tuple[str, ...]
    environments: tuple[str, ...]
    verdicts: tuple[str, ...]
    flow_count: int
    first_seen_at: datetime
    last_seen_at: datetime

    @property
    def ports(self) -> str:
        """As a request writes them."""
        if self.port is None:
            return "icmp" if self.protocol == "ICMP" else ""
        return f"{self.port}/{self.protocol.lower()}"

    @property
    def requested_destination(self) -> str:
        if self.is_name:
            return self.destination
        return f"{self.destination}/{128 if ':' in self.destination else 32}"

    @property
    def request_query(self) -> str:
        """The query that pre-fills a request for exactly this; the workload's labels are not in a log's roll-up."""
        fields = {
            "team": self.team,
            "destination": self.requested_destination,
            "ports": self.ports,
            "namespaces": self.namespace,
            "environments": list(self.environments),
            "origin": "denied-flow",
        }
        return urlencode({key: value for key, value in fields.items() if value}, doseq=True)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(str(Verdict(one).label) for one in self.verdicts)


def denied_rollups(user: User) -> QuerySet[FlowRollup]:
    """The denied roll-ups that the user may see, with the team that answers for the namespace now."""
    answering = Namespace.objects.filter(cluster=OuterRef("cluster"), name=OuterRef("namespace"))
    address = Func(F("destination_address"), function="host", output_field=CharField())
    return (
        FlowRollup.objects.visible_to(user)
        .denied()
        .annotate(
            team_slug=Subquery(answering.values("team__slug")[:1]),
            team_name=Subquery(answering.values("team__name")[:1]),
            destination=Case(
                When(destination_name="", then=address), default=F("destination_name"), output_field=CharField()
            ),
            is_name=Case(When(destination_name="", then=Value(False)), default=Value(True)),
        )
    )


def grouped(rollups: QuerySet[FlowRollup]) -> QuerySet[Any, dict[str, Any]]:
    """One row for each destination, port and workload, the latest first."""
    keys = ("team_slug", "team_name", "namespace", "workload", "destination", "is_name", "port", "protocol")
    rows: QuerySet[Any, dict[str, Any]] = (
        rollups.values(*keys)
        .annotate(
            flow_total=Sum("flow_count"),
            first_seen=Min("first_seen_at"),
            last_seen=Max("last_seen_at"),
            clusters=ArrayAgg("cluster__name", distinct=True, order_by="cluster__name"),
            environments=ArrayAgg("cluster__environment__slug", distinct=True, order_by="cluster__environment__slug"),
            verdicts=ArrayAgg("verdict", distinct=True, order_by="verdict"),
        )
        .order_by("-last_seen", "destination", "namespace", "workload", "port", "protocol")
    )
    return rows


def as_group(row: dict[str, Any]) -> DeniedGroup:
    """A grouped row under the names that pages and the API use."""
    return DeniedGroup(
        team=row["team_slug"] or "",
        team_name=row["team_name"] or "",
        namespace=row["namespace"],
        workload=row["workload"],
        destination=row["destination"] or "",
        is_name=row["is_name"],
        port=row["port"],
        protocol=row["protocol"],
        clusters=tuple(row["clusters"]),
        environments=tuple(row["environments"]),
        verdicts=tuple(row["verdicts"]),
        flow_count=row["flow_total"],
        first_seen_at=row["first_seen"],
        last_seen_at=row["last_seen"],
    )
