"""Pages of clusters."""

from django.urls import URLPattern, path

from clusters.views import reading, running

app_name = "clusters"
urlpatterns: list[URLPattern] = [
    path("clusters/", reading.clusters, name="list"),
    # Not below clusters/: a cluster may be called “register”.
    path("register-cluster/", running.register, name="register"),
    path("clusters/<slug:name>/", reading.cluster, name="detail"),
    path("clusters/<slug:name>/edit/", running.edit, name="edit"),
    path("clusters/<slug:name>/credential/", running.credential, name="credential"),
    path("clusters/<slug:name>/retire/", running.retire, name="retire"),
    path("clusters/<slug:name>/accept-identity/", running.accept_identity, name="accept-identity"),
    path("clusters/<slug:name>/contacts/", running.request_contact, name="request-contact"),
    path("clusters/<slug:name>/contacts/<uuid:pk>/", reading.contact, name="contact"),
    path("clusters/<slug:name>/namespaces/<uuid:pk>/team/", running.assign, name="assign"),
]
