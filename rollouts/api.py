"""Rollouts, pushes, differences and explanations over REST. Each action calls the service of the page's button."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.models import Scope
from clusters.models import Cluster, Namespace
from rollouts import serializers, services
from rollouts.explaining import explain
from rollouts.filters import DriftFilter, RolloutFilter
from rollouts.models import Bundle, DriftFinding, NamespacePush, Rollout, RolloutTarget

OPERATED = {"read": Scope.READ, "write": Scope.OPERATE}


@extend_schema_view(
    list=extend_schema(summary="Rollouts that you may see"),
    retrieve=extend_schema(
        summary="One rollout with its targets and proof", responses=serializers.RolloutDetailSerializer
    ),
)
class RolloutViewSet(ReadOnlyModelViewSet):
    """Approved revisions on their way."""

    queryset = Rollout.objects.none()
    serializer_class = serializers.RolloutSerializer
    filterset_class = RolloutFilter
    required_scopes = OPERATED
    action_scopes = {"confirm": Scope.REVIEW}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Rollout]:
        known = Rollout.objects.visible_to(self.request.user)
        if self.action == "list":
            return known.select_related("revision__entry__team").order_by("-started_at", "pk")
        targets = RolloutTarget.objects.select_related("enforcement_point__cluster__environment", "namespace")
        return known.for_page().prefetch_related(Prefetch("targets", targets))

    def get_serializer_class(self) -> type[serializers.RolloutSerializer]:
        return serializers.RolloutSerializer if self.action == "list" else serializers.RolloutDetailSerializer

    @extend_schema(
        summary="Confirm that it works in non-production",
        request=serializers.StatementSerializer,
        responses=serializers.RolloutDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        given = serializers.StatementSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        rollout = self.get_object()
        services.confirm_proof(actor=request.user, rollout_id=rollout.pk, statement=given.validated_data["statement"])
        return self._answer()

    @extend_schema(
        summary="Promote a proved rollout to production", request=None, responses=serializers.RolloutDetailSerializer
    )
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        services.promote(actor=request.user, rollout_id=self.get_object().pk)
        return self._answer()

    def _answer(self) -> Response:
        return Response(serializers.RolloutDetailSerializer(self.get_object()).data)


@extend_schema_view(
    list=extend_schema(summary="Differences between what was published and what lies on clusters"),
    retrieve=extend_schema(summary="One difference with its three sides", responses=serializers.DriftDetailSerializer),
)
class DriftViewSet(ReadOnlyModelViewSet):
    """What differs, since when, and how it ended."""

    queryset = DriftFinding.objects.none()
    serializer_class = serializers.DriftSerializer
    filterset_class = DriftFilter
    required_scopes = OPERATED
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[DriftFinding]:
        known = DriftFinding.objects.visible_to(self.request.user).select_related("namespace__cluster")
        if self.action == "list":
            known = known.defer("approved", "published", "live")
        return known.order_by("-found_at", "pk")

    def get_serializer_class(self) -> type[serializers.DriftSerializer]:
        return serializers.DriftSerializer if self.action == "list" else serializers.DriftDetailSerializer

    @extend_schema(
        summary="Bring the published side back", request=None, responses={202: serializers.DriftDetailSerializer}
    )
    @action(detail=True, methods=["post"])
    def revert(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        services.revert_drift(actor=request.user, finding_id=self.get_object().pk)
        return Response(serializers.DriftDetailSerializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Live with it until a date",
        request=serializers.AcceptSerializer,
        responses=serializers.DriftDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        given = serializers.AcceptSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.accept_drift(actor=request.user, finding_id=self.get_object().pk, **given.validated_data)
        return Response(serializers.DriftDetailSerializer(self.get_object()).data)


@extend_schema_view(
    list=extend_schema(summary="Pushes: one for each enrolled namespace"),
    retrieve=extend_schema(summary="One push"),
)
class PushViewSet(ReadOnlyModelViewSet):
    """What is published where, and what is held or failed."""

    queryset = NamespacePush.objects.none()
    serializer_class = serializers.PushSerializer
    filterset_fields = ("state",)
    required_scopes = OPERATED
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[NamespacePush]:
        return NamespacePush.objects.visible_to(self.request.user).for_lists()

    @extend_schema(summary="Let a held push go on", request=None, responses={202: serializers.PushSerializer})
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        services.release_hold(actor=request.user, push_id=self.get_object().pk)
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)


@extend_schema_view(retrieve=extend_schema(summary="One bundle"), list=extend_schema(summary="Bundles, newest first"))
class BundleViewSet(ReadOnlyModelViewSet):
    """What was compiled, immutable."""

    queryset = Bundle.objects.none()
    serializer_class = serializers.BundleSerializer
    filterset_fields = ("hash", "generation")
    required_scopes = OPERATED
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Bundle]:
        mine = Namespace.objects.visible_to(self.request.user).values("pk")
        return (
            Bundle.objects.filter(namespace__in=mine)
            .select_related("namespace__cluster")
            .order_by("-compiled_at", "pk")
        )


class ComparisonView(APIView):
    """Comparing a cluster with what was published there."""

    required_scopes = OPERATED

    @extend_schema(
        summary="Compare a cluster now",
        request=serializers.ComparisonRequestSerializer,
        responses={202: serializers.ComparisonSerializer},
    )
    def post(self, request: Request) -> Response:
        given = serializers.ComparisonRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        known = Cluster.objects.visible_to(request.user)
        cluster = get_object_or_404(known, name=given.validated_data["cluster"])
        count = services.request_comparison(actor=request.user, cluster_id=cluster.pk)
        answer = serializers.ComparisonSerializer({"namespaces": count})
        return Response(answer.data, status=status.HTTP_202_ACCEPTED)


class ExplainView(APIView):
    """Why a flow may leave or may not."""

    required_scopes = OPERATED

    @extend_schema(
        summary="May this flow leave, and why",
        parameters=[serializers.QuestionSerializer],
        responses=serializers.ExplanationSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = serializers.QuestionSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        answer = explain(user=request.user, **asked.validated_data)
        return Response(serializers.ExplanationSerializer(answer).data)


ROUTES = [
    ("rollouts", RolloutViewSet, "rollout"),
    ("drift", DriftViewSet, "drift"),
    ("pushes", PushViewSet, "push"),
    ("bundles", BundleViewSet, "bundle"),
    ("comparisons", ComparisonView, "comparison"),
    ("explain", ExplainView, "explain"),
]
