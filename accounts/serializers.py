"""People, teams and tokens as the API takes and tells them: every field by name, no secret and no digest among them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import ApiToken, Membership, Role, Scope, Team, User


class MembershipSerializer(serializers.ModelSerializer):
    """One place in one team."""

    team = serializers.CharField(source="team.slug", read_only=True)
    user = serializers.UUIDField(source="user_id", read_only=True)
    name = serializers.CharField(source="user.__str__", read_only=True)

    class Meta:
        model = Membership
        fields = ("team", "user", "name", "kind", "created_at")
        read_only_fields = fields


class MembershipChangeSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Membership.Kind.choices)


class TeamSerializer(serializers.ModelSerializer):
    """A team, with how many active accounts and leads it has."""

    member_count = serializers.IntegerField(read_only=True)
    lead_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Team
        fields = ("id", "slug", "name", "contact", "created_at", "member_count", "lead_count")
        read_only_fields = fields


class TeamCreationSerializer(serializers.Serializer):
    slug = serializers.CharField(max_length=63)
    name = serializers.CharField(max_length=120)
    contact = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class TeamChangeSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120, required=False)
    contact = serializers.CharField(max_length=200, required=False, allow_blank=True)


class PersonSerializer(serializers.ModelSerializer):
    """An account, with its global roles."""

    name = serializers.CharField(source="__str__", read_only=True)
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "name", "is_active", "is_automation", "responsible", "roles")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_roles(self, user: User) -> list[str]:
        """From the prefetched groups: one query for a whole list."""
        return sorted(group.name for group in user.groups.all())


class PersonCreationSerializer(serializers.Serializer):
    """A person; or, with ``responsible``, a program's account."""

    email = serializers.CharField(max_length=254)
    name = serializers.CharField(max_length=120)
    password = serializers.CharField(max_length=200, required=False, write_only=True, trim_whitespace=False)
    responsible = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "responsible" in attrs and "password" in attrs:
            raise serializers.ValidationError({"password": "A program signs in with a token."})
        return attrs


class RoleSerializer(serializers.Serializer):
    role = serializers.ChoiceField(choices=Role.choices)


class TokenSerializer(serializers.ModelSerializer):
    """A token as its holder recognises it; the secret is nowhere."""

    id = serializers.UUIDField(read_only=True)
    prefix = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    account = serializers.UUIDField(source="user_id", read_only=True)

    class Meta:
        model = ApiToken
        fields = ("id", "account", "label", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
        read_only_fields = fields


class TokenCreationSerializer(serializers.Serializer):
    account = serializers.UUIDField(required=False, help_text="An automation account; one's own if not given.")
    label = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False, max_length=10
    )
    expires_at = serializers.DateTimeField()


class IssuedTokenSerializer(TokenSerializer):
    """The one answer that carries the secret."""

    secret = serializers.CharField(read_only=True, allow_null=True, help_text="Shown once; null when replayed.")

    class Meta:
        model = ApiToken
        fields = (*TokenSerializer.Meta.fields, "secret")
        read_only_fields = fields


class MeSerializer(serializers.Serializer):
    """Who the caller is to the portal."""

    id = serializers.UUIDField(source="pk")
    email = serializers.CharField()
    name = serializers.CharField(source="__str__")
    roles = serializers.ListField(child=serializers.CharField())
    memberships = MembershipSerializer(many=True)
    token = TokenSerializer(allow_null=True)
