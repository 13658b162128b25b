"""The fleet over REST."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from accounts.models import Scope
from clusters import serializers, services
from clusters.filters import ClusterFilter, ContactFilter, NamespaceFilter
from clusters.models import Cluster, Environment, Namespace
from clusters.permissions import account_of, check_may_run_fleet
from clusters.querysets import ClusterQuerySet
from clusters.registration import read_access

OPERATED = {"read": Scope.READ, "write": Scope.OPERATE}
_ACCESS_FIELDS = ("kubeconfig", "server", "ca_certificate", "token", "client_certificate", "client_key")


@extend_schema_view(list=extend_schema(summary="Environments, in the order of a rollout"))
class EnvironmentViewSet(mixins.ListModelMixin, GenericViewSet):
    """The stages of the fleet."""

    queryset = Environment.objects.all()
    serializer_class = serializers.EnvironmentSerializer
    required_scopes = OPERATED


@extend_schema_view(
    list=extend_schema(summary="Clusters, those first that need a person"),
    retrieve=extend_schema(summary="One cluster"),
)
class ClusterViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """The clusters that the caller may see."""

    queryset = Cluster.objects.none()
    serializer_class = serializers.ClusterSerializer
    filterset_class = ClusterFilter
    required_scopes = OPERATED
    lookup_field = "name"
    lookup_value_regex = "[-a-z0-9]{1,63}"

    def get_queryset(self) -> ClusterQuerySet:
        return _shown(Cluster.objects.visible_to(account_of(self.request)))

    def filter_queryset(self, queryset: Any) -> Any:
        """Filters narrow the list; one cluster is found whatever its state."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @extend_schema(
        request=serializers.ClusterRegistrationSerializer,
        responses={201: serializers.ClusterSerializer},
        summary="Register a cluster by a kubeconfig or by its parts",
    )
    def create(self, request: Request) -> Response:
        check_may_run_fleet(account_of(request))
        given = _valid(serializers.ClusterRegistrationSerializer, request)
        cluster = services.register_cluster(
            actor=account_of(request),
            name=given["name"],
            environment_id=given["environment"].pk,
            owner_team_id=given["owner_team"].pk,
            access=read_access(**{key: given[key] for key in _ACCESS_FIELDS if key in given}),
            labels=given["labels"],
            dns=given["dns"],
        )
        return Response(self._told(cluster), status=status.HTTP_201_CREATED)

    @extend_schema(
        request=serializers.ClusterChangeSerializer,
        responses=serializers.ClusterSerializer,
        summary="Change environment, owner, labels or DNS",
    )
    def partial_update(self, request: Request, name: str) -> Response:
        cluster = self.get_object()
        check_may_run_fleet(account_of(request))
        given = _valid(serializers.ClusterChangeSerializer, request, partial=True)
        services.update_cluster(
            actor=account_of(request),
            cluster_id=cluster.pk,
            labels=given.get("labels", cluster.labels),
            environment_id=given.get("environment", cluster.environment).pk,
            dns=given.get("dns", cluster.dns),
            owner_team_id=given.get("owner_team", cluster.owner_team).pk,
        )
        return Response(self._told(cluster))

    @extend_schema(
        request=serializers.AccessSerializer,
        responses=serializers.CredentialSerializer,
        summary="Put another credential in place of the present one",
    )
    @action(detail=True, methods=["put"])
    def credential(self, request: Request, name: str) -> Response:
        cluster = self.get_object()
        check_may_run_fleet(account_of(request))
        access = read_access(**_valid(serializers.AccessSerializer, request))
        credential = services.replace_credential(actor=account_of(request), cluster_id=cluster.pk, access=access)
        return Response(serializers.CredentialSerializer(credential).data)

    @extend_schema(
        request=serializers.ReasonSerializer, responses=serializers.ClusterSerializer, summary="Take out of service"
    )
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, name: str) -> Response:
        cluster = self.get_object()
        reason = _valid(serializers.ReasonSerializer, request)["reason"]
        services.retire_cluster(actor=account_of(request), cluster_id=cluster.pk, reason=reason)
        return Response(self._told(cluster))

    @extend_schema(
        request=serializers.ReasonSerializer,
        responses=serializers.ClusterSerializer,
        summary="Accept that another cluster answers at the address from now on",
    )
    @action(detail=True, methods=["post"], url_path="accept-identity")
    def accept_identity(self, request: Request, name: str) -> Response:
        cluster = self.get_object()
        reason = _valid(serializers.ReasonSerializer, request)["reason"]
        services.accept_identity(actor=account_of(request), cluster_id=cluster.pk, reason=reason)
        return Response(self._told(cluster))

    @extend_schema(
        responses=serializers.ContactSerializer(many=True),
        filters=False,
        summary="Contacts with the cluster, newest first",
    )
    @action(detail=True, methods=["get"], filterset_class=None)
    def contacts(self, request: Request, name: str) -> Response:
        chosen = ContactFilter(
            request.query_params, queryset=self.get_object().contacts.order_by("-requested_at", "pk")
        )
        page = self.paginate_queryset(chosen.qs)
        return self.get_paginated_response(serializers.ContactSerializer(page, many=True).data)

    @extend_schema(
        request=serializers.ContactRequestSerializer,
        responses={202: serializers.ContactSerializer},
        summary="Ask for a connection test or an inventory",
    )
    @contacts.mapping.post
    def request_contact(self, request: Request, name: str) -> Response:
        kind = _valid(serializers.ContactRequestSerializer, request)["kind"]
        contact = services.request_contact(actor=account_of(request), cluster_id=self.get_object().pk, kind=kind)
        return Response(serializers.ContactSerializer(contact).data, status=status.HTTP_202_ACCEPTED)

    def _told(self, cluster: Cluster) -> dict[str, Any]:
        return dict(serializers.ClusterSerializer(_shown(Cluster.objects.all()).get(pk=cluster.pk)).data)


@extend_schema_view(list=extend_schema(summary="Namespaces"), retrieve=extend_schema(summary="One namespace"))
class NamespaceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """The namespaces that the caller may see."""

    queryset = Namespace.objects.none()
    serializer_class = serializers.NamespaceSerializer
    filterset_class = NamespaceFilter
    required_scopes = OPERATED
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Namespace]:
        visible = Namespace.objects.visible_to(account_of(self.request)).select_related("cluster", "team")
        return visible.order_by("cluster__name", "name")

    @extend_schema(
        request=serializers.AssignmentSerializer,
        responses=serializers.NamespaceSerializer,
        summary="Say which team answers for a namespace",
    )
    @action(detail=True, methods=["put"])
    def team(self, request: Request, pk: uuid.UUID) -> Response:
        namespace = self.get_object()
        # Before the team is looked up: who may not assign must not learn which teams there are.
        check_may_run_fleet(account_of(request))
        team = _valid(serializers.AssignmentSerializer, request)["team"]
        namespace = services.assign_namespace(
            actor=account_of(request), namespace_id=namespace.pk, team_id=team.pk if team else None
        )
        return Response(serializers.NamespaceSerializer(namespace).data)


def _shown(clusters: ClusterQuerySet) -> ClusterQuerySet:
    return (
        clusters.select_related("environment", "owner_team", "credential")
        .prefetch_related("enforcement_points")
        .with_counts()
        .worst_first(timezone.now())
    )


def _valid(serializer: type[Serializer], request: Request, *, partial: bool = False) -> dict[str, Any]:
    checked = serializer(data=request.data, partial=partial)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


ROUTES = [
    ("environments", EnvironmentViewSet, "environment"),
    ("clusters", ClusterViewSet, "cluster"),
    ("namespaces", NamespaceViewSet, "namespace"),
]
