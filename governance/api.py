"""The workflow over REST. Each action calls the service that the page's button calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.models import Team
from allowlist.errors import InvalidProposal
from allowlist.models import Entry
from allowlist.proposals import Proposal, parse_proposal
from clusters.permissions import account_of
from governance import serializers, services
from governance.checks import check_proposal
from governance.filters import RequestFilter
from governance.models import EgressRequest
from governance.services.requests import DEFAULT_REASON

_Kind = EgressRequest.Kind
_PEOPLE = ("team", "requester", "entry__team", "entry__in_non_production", "entry__in_production")


@extend_schema_view(
    list=extend_schema(summary="Requests that you may see"),
    retrieve=extend_schema(summary="One request with its effect and its decisions"),
)
class RequestViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """Requests for a change of the allowlist."""

    queryset = EgressRequest.objects.none()
    serializer_class = serializers.RequestSerializer
    filterset_class = RequestFilter
    lookup_field = "number"
    lookup_value_converter = "int"
    required_scopes = {"read": "read", "write": "request"}
    action_scopes = {
        "approve": "review",
        "reject": "review",
        "request_changes": "review",
        "recheck": "review",
        "check": "read",
    }

    def get_queryset(self) -> QuerySet[EgressRequest]:
        known = EgressRequest.objects.visible_to(account_of(self.request))
        if self.action == "list":
            return known.for_listing().order_by("-number")
        return known.select_related(*_PEOPLE).prefetch_related("approvals__reviewer")

    def get_serializer_class(self) -> type[serializers.RequestSerializer]:
        return serializers.RequestSerializer if self.action == "list" else serializers.RequestDetailSerializer

    @extend_schema(
        summary="Ask for a new entry, or for a change of one",
        request=serializers.NewRequestSerializer,
        responses={201: serializers.RequestDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        given = _read(serializers.NewRequestSerializer, request)
        entry, team = self._subject(given)
        made = services.create_request(
            actor=account_of(request),
            team_id=team.pk,
            kind=given["kind"],
            proposal=_proposal(given, kind=given["kind"], entry=entry),
            entry_id=entry.pk if entry else None,
            origin="api",
            submit=given["submit"],
        )
        return self._answer(made, code=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Judge a proposal without asking for it",
        request=serializers.NewRequestSerializer,
        responses=serializers.ChecksSerializer,
    )
    @action(detail=False, methods=["post"])
    def check(self, request: Request) -> Response:
        given = _read(serializers.NewRequestSerializer, request)
        entry, team = self._subject(given)
        proposal = _proposal(given, kind=given["kind"], entry=entry)
        found = check_proposal(
            team=team,
            kind=given["kind"],
            entry=entry,
            proposal=proposal,
            at=timezone.now(),
            asker=account_of(request),
        )
        return Response(serializers.ChecksSerializer(found).data)

    @extend_schema(
        summary="Change what is asked for",
        request=serializers.EditSerializer,
        responses=serializers.RequestDetailSerializer,
    )
    def partial_update(self, request: Request, number: int) -> Response:
        asked = self.get_object()
        given = _read(serializers.EditSerializer, request)
        revision = given.pop("revision")
        fields = {**Proposal.of_columns(asked).columns(), **given}
        if asked.kind == _Kind.REVOKE:
            # A revocation keeps the entry's end, which may have come; the service takes it from the entry.
            fields["expires_at"] = timezone.now() + timedelta(days=1)
        edited = services.edit_request(
            actor=account_of(request),
            request_id=asked.pk,
            revision=revision,
            proposal=parse_proposal(fields, at=timezone.now()),
        )
        return self._answer(edited)

    @extend_schema(
        summary="Put a draft before the reviewers",
        request=serializers.RevisionSerializer,
        responses=serializers.RequestDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, number: int) -> Response:
        return self._act(services.submit_request, serializers.RevisionSerializer)

    @extend_schema(
        summary="Take a request back",
        request=serializers.RevisionSerializer,
        responses=serializers.RequestDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, number: int) -> Response:
        return self._act(services.withdraw_request, serializers.RevisionSerializer)

    @extend_schema(
        summary="Approve the effect that you read",
        request=serializers.ApproveSerializer,
        responses=serializers.RequestDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, number: int) -> Response:
        return self._act(services.approve_request, serializers.ApproveSerializer)

    @extend_schema(
        summary="Reject, citing a rule",
        request=serializers.RejectSerializer,
        responses=serializers.RequestDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, number: int) -> Response:
        return self._act(services.reject_request, serializers.RejectSerializer)

    @extend_schema(
        summary="Send a request back",
        request=serializers.CommentSerializer,
        responses=serializers.RequestDetailSerializer,
    )
    @action(detail=True, methods=["post"], url_path="request-changes")
    def request_changes(self, request: Request, number: int) -> Response:
        return self._act(services.request_changes, serializers.CommentSerializer)

    @extend_schema(
        summary="Bind a request in review to its effect of today",
        request=None,
        responses=serializers.RequestDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def recheck(self, request: Request, number: int) -> Response:
        return self._answer(services.recheck_request(actor=account_of(request), request_id=self.get_object().pk))

    def _act(self, service: Any, body: Any) -> Response:
        given = _read(body, self.request)
        return self._answer(service(actor=account_of(self.request), request_id=self.get_object().pk, **given))

    def _answer(self, asked: EgressRequest, *, code: int = status.HTTP_200_OK) -> Response:
        """The request as it is after the call, whoever may see it: the caller wrote it."""
        fresh = EgressRequest.objects.select_related(*_PEOPLE).prefetch_related("approvals__reviewer").get(pk=asked.pk)
        return Response(
            serializers.RequestDetailSerializer(fresh, context=self.get_serializer_context()).data, status=code
        )

    def _subject(self, given: dict[str, Any]) -> tuple[Entry | None, Team]:
        """The entry and the team that a new request is for; what the caller may not see is not found."""
        if given["kind"] == _Kind.ADD:
            if not given.get("team"):
                raise InvalidProposal({"team": ["Name the team."]})
            return None, get_object_or_404(Team.objects.visible_to(account_of(self.request)), slug=given["team"])
        known = Entry.objects.visible_to(account_of(self.request)).select_related(
            "team", "in_non_production", "in_production"
        )
        entry = get_object_or_404(known, passport=given.get("entry") or "")
        return entry, entry.team


def _read(serializer: Any, request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _proposal(given: dict[str, Any], *, kind: str, entry: Entry | None) -> Proposal:
    """What the call proposes; a change says only what differs from the entry, and a revocation why."""
    if kind == _Kind.REVOKE and entry is not None:
        current = Proposal.of_revision(entry.latest)
        words = {name: given[name] for name in ("justification", "ticket") if given.get(name)}
        return replace(current, **{"justification": DEFAULT_REASON, "ticket": "", **words})
    base = Proposal.of_revision(entry.latest).columns() if entry is not None else {}
    if kind == _Kind.RENEW:
        given = {name: given[name] for name in ("expires_at", "justification", "ticket") if name in given}
    return parse_proposal({**base, **given}, at=timezone.now())


ROUTES = [("requests", RequestViewSet, "request")]
