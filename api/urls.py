"""The REST root."""

from django.urls import include, path, re_path

from api.routes import collect
from api.views import DocsView, SchemaView, nothing_here

app_name = "api"
urlpatterns = [
    path("v1/schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    path("v1/", include(collect())),
    re_path(r"^", nothing_here),
]
