"""Domain errors on pages: a message where the person was, and the status that the kind of error has."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from policy.errors import DomainError

STATUS_OF_KIND = {"invalid": 422, "forbidden": 403, "missing": 404, "conflict": 409, "unavailable": 503}


class DomainErrorMiddleware:
    """Turns a DomainError that a page's view let through into a readable page. The API has its own handler."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        return render(request, "error.html", {"error": exception}, status=STATUS_OF_KIND[exception.kind])
