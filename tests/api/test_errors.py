"""One shape for every refusal."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404
from rest_framework import exceptions

from api.errors import STATUS_OF_KIND, as_response
from policy.errors import DomainError


@pytest.mark.parametrize(("kind", "status"), STATUS_OF_KIND.items())
def test_a_domain_error_has_the_status_of_its_kind(kind: str, status: int) -> None:
    error = type("Refused", (DomainError,), {"code": "refused", "kind": kind})("No.", details={"a": 1})

    response = as_response(error, {})

    assert response.status_code == status
    assert response.data == {"code": "refused", "message": "No.", "details": {"a": 1}}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (SuspiciousOperation(), 400, "bad_request"),
        (DataError(), 400, "invalid"),
        (OperationalError("deadlock detected"), 503, "unavailable"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.Throttled(wait=3.2), 429, "throttled"),
        (exceptions.ParseError(), 400, "parse_error"),
    ],
)
def test_other_errors_have_the_same_shape(error: Exception, status: int, code: str) -> None:
    response = as_response(error, {})

    assert (response.status_code, response.data["code"]) == (status, code)
    assert set(response.data) == {"code", "message", "details"}


def test_field_errors_name_their_fields() -> None:
    response = as_response(exceptions.ValidationError({"name": ["Too long."]}), {})

    assert response.data["details"] == {"fields": {"name": ["Too long."]}}


def test_a_throttled_caller_learns_when_to_come_back() -> None:
    assert as_response(exceptions.Throttled(wait=3.2), {})["Retry-After"] == "5"


def test_an_unforeseen_error_shows_an_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="api.errors"):
        response = as_response(RuntimeError("the password is hunter2"), {})

    assert response.status_code == 500
    assert "hunter2" not in str(response.data)
    assert response.data["details"]["id"] in caplog.text
    assert "hunter2" in caplog.text
