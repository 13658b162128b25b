"""Entries over REST, to read. A change of one is a request, and those are governance's."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from allowlist.filters import EntryFilter
from allowlist.models import Entry
from allowlist.serializers import EntryRevisionSerializer, EntrySerializer
from clusters.permissions import account_of


@extend_schema_view(
    list=extend_schema(summary="Entries that you may see"), retrieve=extend_schema(summary="One entry by its passport")
)
class EntryViewSet(ReadOnlyModelViewSet):
    """What may leave, by passport."""

    queryset = Entry.objects.none()
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    lookup_field = "passport"
    lookup_value_regex = "[A-Z0-9-]{1,12}"
    required_scopes = {"read": "read"}

    def get_queryset(self) -> QuerySet[Entry]:
        return Entry.objects.visible_to(account_of(self.request)).for_listing(timezone.now()).order_by("passport")

    @extend_schema(summary="Every revision of an entry, newest first", responses=EntryRevisionSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def revisions(self, request: Request, passport: str) -> Response:
        found = self.get_object().revisions.select_related("requested_by").prefetch_related("approved_by")
        page = self.paginate_queryset(found)
        return self.get_paginated_response(EntryRevisionSerializer(page, many=True).data)


ROUTES = [("entries", EntryViewSet, "entry")]
