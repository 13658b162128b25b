"""Collects what each application offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from accounts import api as accounts_api
from allowlist import api as allowlist_api
from api.serving import served
from audits import api as audits_api
from clusters import api as clusters_api
from flows import api as flows_api
from governance import api as governance_api
from ledger import api as ledger_api
from notifications import api as notifications_api
from rollouts import api as rollouts_api

APPLICATIONS = (
    accounts_api,
    ledger_api,
    notifications_api,
    clusters_api,
    allowlist_api,
    flows_api,
    governance_api,
    rollouts_api,
    audits_api,
)


class Router(DefaultRouter):
    """Routes with a listing at the root; the format is negotiated, never part of the address."""

    include_format_suffixes = False

    def get_api_root_view(self, api_urls: Any = None) -> Any:
        """The listing of all routes."""
        self.APIRootView = served(type(self).APIRootView)
        return super().get_api_root_view(api_urls=api_urls)


def offered() -> Iterator[tuple[str, type[APIView], str]]:
    """Every route of every application: its address, its view as written, its name."""
    for application in APPLICATIONS:
        yield from application.ROUTES


def collect() -> list[URLPattern | URLResolver]:
    """The addresses under ``/api/v1/``: sets of views through the router, single views as plain paths."""
    router = Router()
    single: list[URLPattern | URLResolver] = []
    for prefix, view, basename in offered():
        if issubclass(view, ViewSetMixin):
            router.register(prefix, served(view), basename=basename)
        else:
            single.append(path(f"{prefix}/", served(view).as_view(), name=basename))
    return [*single, *router.urls]
