"""Observed egress over REST, and the door through which it comes in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import IO, Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.models import Scope
from allowlist.models import Entry
from clusters.models import Cluster
from clusters.permissions import account_of
from flows import serializers, services
from flows.authentication import IsSender, SourceTokenAuthentication
from flows.bodies import MAX_BODY_BYTES
from flows.denied import DeniedFilter, as_group, denied_rollups, grouped
from flows.models import FlowRollup, FlowSource
from flows.permissions import check_may_manage_sources
from flows.usage import usage_of

OPERATED = {"read": Scope.READ, "write": Scope.OPERATE}


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = f"A body has at most {MAX_BODY_BYTES >> 20} MiB."


class WholeBody(BaseParser):
    """The bytes as they came, whatever they call themselves, up to the limit."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Bytes; nothing is decoded here."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
        return body


class SourceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """``Authorization: Bearer spf_…``"""

    target_class = "flows.authentication.SourceTokenAuthentication"
    name = "flow-source"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "The token of a flow source."}


class IngestView(APIView):
    """Where flow sources deliver. The token says which cluster the records are from; the records do not."""

    authentication_classes = (SourceTokenAuthentication,)
    permission_classes = (IsSender,)
    parser_classes = (WholeBody,)

    @extend_schema(
        summary="Deliver a batch of flow records",
        description="Lines of JSON as the exporter writes them, plain or gzipped. A batch counts once.",
        request={"application/x-ndjson": OpenApiTypes.BINARY},
        responses={200: serializers.FlowBatchSerializer, 202: serializers.FlowBatchSerializer},
        parameters=[
            OpenApiParameter(
                "X-Batch-Id",
                str,
                OpenApiParameter.HEADER,
                description="The sender's id of the batch; without it, the content is the id.",
            )
        ],
    )
    def post(self, request: Request) -> Response:
        sender: Any = request.user
        body: Any = request.data
        batch, is_new = services.receive(
            source=sender.source,
            body=body if isinstance(body, bytes) else b"",
            batch_key=request.headers.get("X-Batch-Id", ""),
        )
        told = serializers.FlowBatchSerializer(batch).data
        return Response(
            {**told, "is_repeated": not is_new}, status=status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK
        )


@extend_schema_view(list=extend_schema(summary="Flow sources"), retrieve=extend_schema(summary="One flow source"))
class FlowSourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Who may send flow records, and when they did last."""

    queryset = FlowSource.objects.none()
    serializer_class = serializers.FlowSourceSerializer
    required_scopes = OPERATED
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[FlowSource]:
        return (
            FlowSource.objects.visible_to(account_of(self.request))
            .select_related("cluster")
            .order_by("cluster__name", "name")
        )

    @extend_schema(
        request=serializers.FlowSourceCreationSerializer,
        responses={201: serializers.NewFlowSourceSerializer},
        summary="Make a flow source; its token is shown once",
    )
    def create(self, request: Request) -> Response:
        check_may_manage_sources(account_of(request))
        given = serializers.FlowSourceCreationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        cluster = get_object_or_404(
            Cluster.objects.visible_to(account_of(request)), name=given.validated_data["cluster"]
        )
        source, secret = services.create_source(
            actor=account_of(request), cluster_id=cluster.pk, name=given.validated_data["name"]
        )
        told = {**serializers.FlowSourceSerializer(source).data, "secret": secret}
        return Response(told, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=serializers.FlowSourceSerializer, summary="Revoke a flow source")
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: uuid.UUID) -> Response:
        source = services.revoke_source(actor=account_of(request), source_id=self.get_object().pk)
        return Response(serializers.FlowSourceSerializer(source).data)


@extend_schema_view(
    list=extend_schema(
        summary="Denied flows by destination and workload, the latest first",
        responses=serializers.DeniedGroupSerializer(many=True),
    )
)
class DeniedFlowViewSet(mixins.ListModelMixin, GenericViewSet):
    """What policy stopped in the namespaces of the caller's teams."""

    queryset = FlowRollup.objects.none()
    serializer_class = serializers.DeniedGroupSerializer
    filterset_class = DeniedFilter
    required_scopes = OPERATED

    def get_queryset(self) -> QuerySet[FlowRollup]:
        return denied_rollups(account_of(self.request))

    def filter_queryset(self, queryset: Any) -> Any:
        return grouped(super().filter_queryset(queryset))

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        return [as_group(row) for row in super().paginate_queryset(queryset) or ()]


class UsageView(APIView):
    """Whether one entry is used, by whom, and how much of the time the logs covered."""

    required_scopes = OPERATED

    @extend_schema(
        summary="Use of an entry",
        responses=serializers.UsageSerializer,
        parameters=[OpenApiParameter("passport", str, OpenApiParameter.PATH)],
    )
    def get(self, request: Request, passport: str) -> Response:
        entry = get_object_or_404(Entry.objects.visible_to(account_of(request)), passport=passport)
        return Response(serializers.UsageSerializer(usage_of([entry])[entry.pk]).data)


ROUTES = [
    ("flows/ingest", IngestView, "flow-ingest"),
    ("flows/usage/<str:passport>", UsageView, "entry-usage"),
    ("flow-sources", FlowSourceViewSet, "flow-source"),
    ("denied-flows", DeniedFlowViewSet, "denied-flow"),
]
