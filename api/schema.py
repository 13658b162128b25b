"""How the API describes itself: the scope of each call, its refusals, and the key that makes it happen once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from api import idempotency
from api.permissions import InScope, scope_needed


class ErrorSerializer(serializers.Serializer):
    """Every refusal: a stable code, a sentence for people, and what a program may want to know."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class Schema(AutoSchema):
    """Adds to each operation what holds for all of them."""

    def get_override_parameters(self) -> list[Any]:
        if self.method in SAFE_METHODS:
            return []
        return [
            OpenApiParameter(
                idempotency.HEADER,
                str,
                OpenApiParameter.HEADER,
                description="Repeating the call under the same key gives the first answer again. Kept for 24 hours.",
            )
        ]

    def get_description(self) -> str:
        description = super().get_description() or ""
        if not any(isinstance(permission, InScope) for permission in self.view.get_permissions()):
            return description
        scope = scope_needed(self.view, method=self.method)
        return f"{description}\n\nTokens need the scope `{scope}`.".strip()

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        refusal = self._get_response_for_code(ErrorSerializer, "default", ["application/json"], direction)
        bodies.setdefault("default", {**refusal, "description": "A refusal."})
        return bodies


class TokenScheme(OpenApiAuthenticationExtension):
    """``Authorization: Bearer sp_…``"""

    target_class = "api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Bearer")  # noqa: S106  a scheme


class SessionScheme(OpenApiAuthenticationExtension):
    """The cookie of a person who signed in on the pages."""

    target_class = "api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
