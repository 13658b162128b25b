"""Pages of rollouts."""

from django.urls import path

from rollouts import views

app_name = "rollouts"
urlpatterns = [
    path("rollouts/", views.rollouts, name="list"),
    path("rollouts/<uuid:pk>/", views.rollout, name="detail"),
    path("rollouts/<uuid:pk>/progress/", views.rollout_progress, name="progress"),
    path("rollouts/<uuid:pk>/confirm/", views.confirm, name="confirm"),
    path("rollouts/<uuid:pk>/promote/", views.promote, name="promote"),
    path("explain/", views.explain, name="explain"),
    path("drift/<uuid:pk>/", views.drift, name="drift"),
    path("drift/<uuid:pk>/revert/", views.revert, name="revert"),
    path("drift/<uuid:pk>/accept/", views.accept, name="accept"),
    path("clusters/<slug:name>/drift/", views.cluster_drift, name="cluster-drift"),
    path("clusters/<slug:name>/compare/", views.compare, name="compare"),
    path("pushes/<uuid:pk>/release/", views.release, name="release"),
]
