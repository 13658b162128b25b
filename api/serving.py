"""What every view of the API gets when its route is collected: clean addresses, and calls that happen once."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

from django.http import Http404
from rest_framework.exceptions import ParseError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from accounts.text import fault_in
from api import idempotency

View = TypeVar("View", bound=APIView)


class ServedView(APIView):
    """Checks what an address carries, and runs an unsafe call with a key at most once."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        _check_address(request, kwargs)
        super().initial(request, *args, **kwargs)
        key = request.headers.get(idempotency.HEADER)
        if key is not None and request.method not in SAFE_METHODS and isinstance(request.user, User):
            self._run_once(request, key)

    def _run_once(self, request: Request, key: str) -> None:
        """Put the guard between the framework and the handler that it is about to look up."""
        name = str(request.method).lower()
        handler = getattr(self, name, self.http_method_not_allowed)

        def guarded(request: Request, *args: Any, **kwargs: Any) -> Any:
            run = partial(handler, request, *args, **kwargs)
            return idempotency.answer_once(request, key=key, handler=run)

        setattr(self, name, guarded)


def served(view: type[View]) -> type[View]:
    """The view as it is routed, under its own name."""
    return type(view.__name__, (ServedView, view), {"__module__": view.__module__, "__doc__": view.__doc__})


def _check_address(request: Request, kwargs: dict[str, Any]) -> None:
    if any(fault_in(str(value)) for value in kwargs.values()):
        raise Http404
    for name, values in request.query_params.lists():
        if fault := next(filter(None, map(fault_in, (name, *values))), ""):
            raise ParseError(f"A query parameter is not acceptable. {fault}")
