"""Who sends flow records: the holder of a source's token, and nobody else."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from flows.models import FlowSource
from flows.tokens import source_of


class Sender:
    """The caller of the ingest: no account, so that its token opens nothing else."""

    is_authenticated = True
    is_active = True
    pk = None

    def __init__(self, source: FlowSource) -> None:
        self.source = source

    def __str__(self) -> str:
        return str(self.source)


class SourceTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer spf_…``; unknown, revoked and malformed tokens are refused with the same words."""

    def authenticate(self, request: Request) -> tuple[Sender, FlowSource]:
        words = get_authorization_header(request).split()
        token = words[1].decode("latin-1") if len(words) == 2 and words[0].lower() == b"bearer" else ""
        source = source_of(token)
        if source is None:
            raise exceptions.AuthenticationFailed(_("The token of the source is not valid."))
        return Sender(source), source

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="flows"'


class IsSender(BasePermission):
    """Only a source's token opens the ingest; a person's session does not."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, FlowSource)
