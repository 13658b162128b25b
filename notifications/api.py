"""One's own messages over REST."""

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

from accounts.callers import caller
from notifications import services
from notifications.models import Notification
from notifications.serializers import NotificationSerializer


class NotificationFilter(django_filters.FilterSet):
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")

    class Meta:
        model = Notification
        fields: list[str] = []


@extend_schema_view(list=extend_schema(summary="Your messages"), retrieve=extend_schema(summary="One of your messages"))
class NotificationViewSet(ReadOnlyModelViewSet):
    """The caller's own messages, never another's."""

    queryset = Notification.objects.none()
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilter
    required_scopes = {"read": "read", "write": "request"}
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.visible_to(caller(self.request)).order_by("-created_at", "pk")

    @extend_schema(request=None, responses=NotificationSerializer, summary="Mark a message read")
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: uuid.UUID, **_kwargs: Any) -> Response:
        message = services.mark_read(actor=caller(request), notification_id=pk)
        return Response(self.get_serializer(message).data)


ROUTES = [("notifications", NotificationViewSet, "notification")]
