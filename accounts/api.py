"""People, teams and tokens over REST."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts import serializers, services
from accounts.callers import caller
from accounts.filters import PeopleFilter, TeamFilter
from accounts.models import ApiToken, Scope, Team, User
from accounts.permissions import check_administers, check_may_pass_on

ADMINISTERED = {"read": Scope.READ, "write": Scope.ADMINISTER}


class MeView(APIView):
    """The caller's own account."""

    required_scopes = ADMINISTERED

    @extend_schema(responses=serializers.MeSerializer, summary="Who you are here")
    def get(self, request: Request) -> Response:
        user = caller(request)
        about = {
            "pk": user.pk,
            "email": user.email,
            "__str__": str(user),
            "roles": sorted(user.roles),
            "memberships": user.memberships.select_related("team", "user"),
            "token": request.auth if isinstance(request.auth, ApiToken) else None,
        }
        return Response(serializers.MeSerializer(about).data)


@extend_schema_view(list=extend_schema(summary="Teams"), retrieve=extend_schema(summary="One team"))
class TeamViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """The teams that the caller may see."""

    queryset = Team.objects.none()
    serializer_class = serializers.TeamSerializer
    filterset_class = TeamFilter
    required_scopes = ADMINISTERED
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,63}"

    def get_queryset(self) -> QuerySet[Team]:
        return Team.objects.visible_to(caller(self.request)).with_counts().order_by("name", "pk")

    @extend_schema(
        request=serializers.TeamCreationSerializer, responses={201: serializers.TeamSerializer}, summary="Make a team"
    )
    def create(self, request: Request) -> Response:
        team = services.create_team(actor=caller(request), **_valid(serializers.TeamCreationSerializer, request))
        return Response(self._told(team), status=status.HTTP_201_CREATED)

    @extend_schema(
        request=serializers.TeamChangeSerializer, responses=serializers.TeamSerializer, summary="Rename a team"
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        team = self.get_object()
        words = {"name": team.name, "contact": team.contact, **_valid(serializers.TeamChangeSerializer, request)}
        services.update_team(actor=caller(request), team_id=team.pk, **words)
        return Response(self._told(team))

    @extend_schema(responses=serializers.MembershipSerializer(many=True), filters=False, summary="Who is in a team")
    @action(detail=True, methods=["get"], filterset_class=None)
    def members(self, request: Request, slug: str) -> Response:
        memberships = self.get_object().memberships.select_related("team", "user").order_by("user__email")
        page = self.paginate_queryset(memberships)
        return self.get_paginated_response(serializers.MembershipSerializer(page, many=True).data)

    @extend_schema(
        request=serializers.MembershipChangeSerializer,
        responses=serializers.MembershipSerializer,
        summary="Put an account into a team, or give it another place there",
    )
    @action(detail=True, methods=["put"], url_path=r"members/(?P<user_id>[0-9a-f-]{36})")
    def member(self, request: Request, slug: str, user_id: str) -> Response:
        kind = _valid(serializers.MembershipChangeSerializer, request)["kind"]
        membership = services.set_membership(
            actor=caller(request), team_id=self.get_object().pk, user_id=_uuid(user_id), kind=kind
        )
        return Response(serializers.MembershipSerializer(membership).data)

    @extend_schema(responses={204: None}, summary="Take an account out of a team")
    @member.mapping.delete
    def end_member(self, request: Request, slug: str, user_id: str) -> Response:
        services.end_membership(actor=caller(request), team_id=self.get_object().pk, user_id=_uuid(user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _told(self, team: Team) -> dict[str, Any]:
        return dict(serializers.TeamSerializer(Team.objects.with_counts().get(pk=team.pk)).data)


@extend_schema_view(list=extend_schema(summary="Accounts"), retrieve=extend_schema(summary="One account"))
class PersonViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Everyone whom the caller may know of."""

    queryset = User.objects.none()
    serializer_class = serializers.PersonSerializer
    filterset_class = PeopleFilter
    required_scopes = ADMINISTERED
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[User]:
        known = User.objects.visible_to(caller(self.request)).prefetch_related("groups")
        return known.order_by("email").distinct()

    @extend_schema(
        request=serializers.PersonCreationSerializer,
        responses={201: serializers.PersonSerializer},
        summary="Make an account for a person or a program",
    )
    def create(self, request: Request) -> Response:
        check_administers(caller(request))
        fields = _valid(serializers.PersonCreationSerializer, request)
        names = {"email": fields["email"], "display_name": fields["name"]}
        if "responsible" in fields:
            person = get_object_or_404(User, pk=fields["responsible"])
            user = services.create_automation_account(actor=caller(request), responsible=person, **names)
        else:
            user = services.create_person(actor=caller(request), password=fields.get("password"), **names)
        return Response(self.get_serializer(user).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, summary="Disable an account, its sessions and its tokens")
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: uuid.UUID) -> Response:
        user = services.disable_account(actor=caller(request), user_id=self.get_object().pk)
        return Response(self.get_serializer(user).data)

    @extend_schema(request=None, summary="Enable an account again")
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: uuid.UUID) -> Response:
        user = services.enable_account(actor=caller(request), user_id=self.get_object().pk)
        return Response(self.get_serializer(user).data)

    @extend_schema(request=serializers.RoleSerializer, summary="Grant a global role")
    @action(detail=True, methods=["post"])
    def roles(self, request: Request, pk: uuid.UUID) -> Response:
        role = _valid(serializers.RoleSerializer, request)["role"]
        user = services.grant_role(actor=caller(request), user_id=self.get_object().pk, role=role)
        return Response(self.get_serializer(user).data)

    @extend_schema(responses={204: None}, summary="Withdraw a global role")
    @action(detail=True, methods=["delete"], url_path=r"roles/(?P<role>[a-z-]{1,40})")
    def role(self, request: Request, pk: uuid.UUID, role: str) -> Response:
        services.withdraw_role(actor=caller(request), user_id=self.get_object().pk, role=role)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(list=extend_schema(summary="Tokens"), retrieve=extend_schema(summary="One token"))
class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """The caller's tokens and those of programs in their care; all of them for administrators."""

    queryset = ApiToken.objects.none()
    serializer_class = serializers.TokenSerializer
    filter_backends = ()
    required_scopes = ADMINISTERED
    lookup_field = "id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.visible_to(caller(self.request)).order_by("-created", "id")

    @extend_schema(
        request=serializers.TokenCreationSerializer,
        responses={201: serializers.IssuedTokenSerializer},
        summary="Issue a token; its secret is in this one answer only",
    )
    def create(self, request: Request) -> Response:
        fields = _valid(serializers.TokenCreationSerializer, request)
        if isinstance(request.auth, ApiToken):
            check_may_pass_on(request.auth, scopes=fields["scopes"], expires_at=fields["expires_at"])
        account_id = fields.pop("account", caller(request).pk)
        visible = get_object_or_404(User.objects.visible_to(caller(request)), pk=account_id)
        token, secret = services.issue_token(actor=caller(request), user_id=visible.pk, **fields)
        told = {**serializers.TokenSerializer(token).data, "secret": secret}
        return Response(told, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Revoke a token")
    def destroy(self, request: Request, id: uuid.UUID) -> Response:
        services.revoke_token(actor=caller(request), token_id=id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _valid(serializer: type[Serializer], request: Request) -> dict[str, Any]:
    """The fields of the body, or a refusal that names the wrong ones."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


ROUTES = [
    ("me", MeView, "me"),
    ("teams", TeamViewSet, "team"),
    ("people", PersonViewSet, "person"),
    ("tokens", TokenViewSet, "token"),
]
