"""The trail over REST: to read, never to write."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.callers import caller
from ledger.filters import LedgerFilter
from ledger.models import LedgerEntry
from ledger.serializers import LedgerEntrySerializer


@extend_schema_view(
    list=extend_schema(summary="What was done, newest first"), retrieve=extend_schema(summary="One entry of the ledger")
)
class LedgerEntryViewSet(ReadOnlyModelViewSet):
    """All of it for the global roles; for anyone else what concerns their teams, and what they did themselves."""

    queryset = LedgerEntry.objects.none()
    serializer_class = LedgerEntrySerializer
    filterset_class = LedgerFilter
    required_scopes = {"read": "read"}
    lookup_field = "sequence"
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        return LedgerEntry.objects.visible_to(caller(self.request)).order_by("-sequence")


ROUTES = [("ledger", LedgerEntryViewSet, "ledger-entry")]
