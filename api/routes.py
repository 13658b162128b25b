"""Collects what each application offers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ViewSetMixin

from api.serving import served

APPLICATIONS = (
    "accounts",
    "ledger",
    "notifications",
    "clusters",
    "allowlist",
    "flows",
    "governance",
    "rollouts",
    "audits",
)


class Router(DefaultRouter):
    """Routes with a listing at the root; the format is negotiated, never part of the address."""

    include_format_suffixes = False

    def get_api_root_view(self, api_urls: Any = None) -> Any:
        """The listing of all routes."""
        self.APIRootView = served(type(self).APIRootView)
        return super().get_api_root_view(api_urls=api_urls)


def collect() -> list[URLPattern | URLResolver]:
    """The addresses under ``/api/v1/``: sets of views through the router, single views as plain paths."""
    router = Router()
    single: list[URLPattern | URLResolver] = []
    for application in APPLICATIONS:
        if find_spec(f"{application}.api") is None:
            continue
        for prefix, view, basename in import_module(f"{application}.api").ROUTES:
            if issubclass(view, ViewSetMixin):
                router.register(prefix, served(view), basename=basename)
            else:
                single.append(path(f"{prefix}/", served(view).as_view(), name=basename))
    return [*single, *router.urls]
