"""Pages of flows."""

from django.urls import URLPattern, path

from flows import views

app_name = "flows"
urlpatterns: list[URLPattern] = [
    path("denied-flows/", views.denied, name="denied"),
    path("clusters/<slug:name>/flow-sources/", views.sources, name="sources"),
    path("clusters/<slug:name>/flow-sources/<uuid:pk>/revoke/", views.revoke_source, name="revoke-source"),
]
