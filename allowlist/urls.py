"""Pages of allowlist."""

from django.urls import URLPattern

app_name = "allowlist"
urlpatterns: list[URLPattern] = []
