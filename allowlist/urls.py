"""Pages of allowlist."""

from django.urls import URLPattern, path

from allowlist import views

app_name = "allowlist"
urlpatterns: list[URLPattern] = [
    path("", views.entries, name="list"),
    path("<str:passport>/", views.entry, name="entry"),
]
