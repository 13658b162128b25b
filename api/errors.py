"""Every refusal in one shape: ``{"code", "message", "details"}``, with the status that its kind has."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DataError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.response import Response

from policy.errors import DomainError

logger = logging.getLogger(__name__)

STATUS_OF_KIND = {"invalid": 422, "forbidden": 403, "missing": 404, "conflict": 409, "unavailable": 503}


def as_response(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to a call that failed; nothing of an unforeseen error is shown but an id to find it by in the log."""
    if isinstance(error, DomainError):
        return body_of(error.code, error.message, status=STATUS_OF_KIND[error.kind], details=error.details)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    return _of_django(error) or _unforeseen(error, context)


def body_of(code: str, message: str, *, status: int, details: dict[str, Any] | None = None) -> Response:
    """One refusal."""
    return Response({"code": code, "message": message, "details": details or {}}, status=status)


def _of_framework(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        response = body_of("invalid", _("Some fields are not valid."), status=400, details={"fields": fields})
    else:
        code = str(getattr(error.detail, "code", None) or error.default_code)
        response = body_of(code, str(error.detail), status=error.status_code)
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _of_django(error: Exception) -> Response | None:
    if isinstance(error, Http404):
        return body_of("not_found", _("There is nothing here, or nothing that you may see."), status=404)
    if isinstance(error, PermissionDenied):
        return body_of("permission_denied", _("You may not do this."), status=403)
    if isinstance(error, RequestDataTooBig):
        return body_of("body_too_large", _("The body is larger than what is accepted here."), status=413)
    if isinstance(error, SuspiciousOperation):
        return body_of("bad_request", _("The call is malformed."), status=400)
    if isinstance(error, DataError):
        logger.warning("A value passed every check and was refused by the database: %s", error)
        return body_of("invalid", _("A value cannot be stored."), status=400)
    if isinstance(error, OperationalError):
        logger.warning("The database was busy or away: %s", error)
        busy = body_of("unavailable", _("Busy just now; try again."), status=status.HTTP_503_SERVICE_UNAVAILABLE)
        busy["Retry-After"] = "1"
        return busy
    return None


def _unforeseen(error: Exception, context: dict[str, Any]) -> Response:
    """Log under an id, and tell Django, whose test client and error reporters listen."""
    reference = uuid.uuid4().hex
    view = context.get("view")
    logger.error("Unforeseen error %s in %s", reference, type(view).__name__, exc_info=error)
    request = getattr(context.get("request"), "_request", None)
    got_request_exception.send(sender=type(view), request=request)
    message = _("Something went wrong on our side. Quote the id when you report it.")
    return body_of("internal_error", message, status=500, details={"id": reference})
