"""Campaigns over REST. Each action calls the service that the page's button calls."""

from __future__ import annotations

import uuid
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.models import Scope
from audits import serializers, services
from audits.filters import CampaignFilter, RowFilter
from audits.models import Campaign, CampaignRow
from audits.tallies import tallies_of

REVIEWED = {"read": Scope.READ, "write": Scope.REVIEW}


@extend_schema_view(
    list=extend_schema(summary="Campaigns, newest first"), retrieve=extend_schema(summary="One campaign")
)
class CampaignViewSet(ReadOnlyModelViewSet):
    """The quarters' reviews."""

    queryset = Campaign.objects.none()
    serializer_class = serializers.CampaignSerializer
    filterset_class = CampaignFilter
    lookup_field = "quarter"
    lookup_value_regex = "[0-9]{4}-Q[1-4]"
    required_scopes = REVIEWED

    def get_queryset(self) -> QuerySet[Campaign]:
        return Campaign.objects.visible_to(self.request.user).order_by("-quarter")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """With the tallies of everything that is about to be told, in one query."""
        if args:
            told = args[0] if kwargs.get("many") else [args[0]]
            rows = CampaignRow.objects.visible_to(self.request.user)
            kwargs["context"] = {**self.get_serializer_context(), "tallies": tallies_of(told, rows=rows)}
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        summary="Close a campaign before its deadline", request=None, responses=serializers.CampaignSerializer
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, quarter: str, **_kwargs: Any) -> Response:
        closed = services.close_campaign(actor=request.user, campaign_id=self.get_object().pk)
        return Response(self.get_serializer(closed).data)


class ApiRowFilter(RowFilter):
    """The page's filter, and the quarter that the page has in its address."""

    quarter = django_filters.CharFilter(field_name="campaign__quarter", max_length=7)

    class Meta(RowFilter.Meta):
        pass


@extend_schema_view(
    list=extend_schema(summary="Entries under review that you may see"),
    retrieve=extend_schema(summary="One entry under review"),
)
class CampaignRowViewSet(ReadOnlyModelViewSet):
    """Entries under review."""

    queryset = CampaignRow.objects.none()
    serializer_class = serializers.CampaignRowSerializer
    filterset_class = ApiRowFilter
    lookup_value_converter = "uuid"
    required_scopes = REVIEWED

    def get_queryset(self) -> QuerySet[CampaignRow]:
        known = CampaignRow.objects.visible_to(self.request.user)
        return known.select_related("campaign", "entry", "team", "decided_by", "request").order_by(
            "-campaign__quarter", "team__name", "destination", "pk"
        )

    @extend_schema(
        summary="Keep an entry or mark it to be revoked",
        request=serializers.DecideSerializer,
        responses=serializers.CampaignRowSerializer,
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        given = serializers.DecideSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.decide_row(actor=request.user, row_id=self.get_object().pk, **given.validated_data)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="campaign_rows_decide_many",
        summary="Decide several entries with one reason",
        request=serializers.DecideManySerializer,
        responses=serializers.RowResultSerializer(many=True),
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="decide", pagination_class=None)
    def decide_many(self, request: Request, **_kwargs: Any) -> Response:
        given = serializers.DecideManySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        results = services.decide_rows(actor=request.user, row_ids=fields.pop("rows"), **fields)
        return Response(serializers.RowResultSerializer(results, many=True).data)


ROUTES = [
    ("campaigns", CampaignViewSet, "campaign"),
    ("campaign-rows", CampaignRowViewSet, "campaign-row"),
]
