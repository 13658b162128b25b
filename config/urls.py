"""Root of all addresses. Each application names its own; the API has one root of its own."""

from django.contrib import admin
from django.urls import include, path

from config import views

urlpatterns = [
    path("", views.home, name="home"),
    path("practice/", views.practice, name="practice"),
    path("theme/", views.choose_theme, name="theme"),
    path("health/live/", views.live, name="live"),
    path("health/ready/", views.ready, name="ready"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("accounts.urls")),
    path("", include("notifications.urls")),
    path("ledger/", include("ledger.urls")),
    path("", include("clusters.urls")),
    path("entries/", include("allowlist.urls")),
    path("", include("flows.urls")),
    path("requests/", include("governance.urls")),
    path("", include("rollouts.urls")),
    path("campaigns/", include("audits.urls")),
    path("api/", include("api.urls")),
    path("admin/", admin.site.urls),
]
