"""From where a write comes: set once at the door (page, API, task, command) and read by the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_origin: ContextVar[str] = ContextVar("origin", default="command")


def current_origin() -> str:
    return _origin.get()


@contextmanager
def coming_from(origin: str) -> Iterator[None]:
    """All ledger entries written inside the block carry this origin."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


class OriginMiddleware:
    """Requests under /api/ are the API's, all others a page's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with coming_from("api" if request.path.startswith("/api/") else "page"):
            return self.get_response(request)


def enter_task(**_signal: object) -> None:
    _origin.set("task")


def leave_task(**_signal: object) -> None:
    _origin.set("command")
