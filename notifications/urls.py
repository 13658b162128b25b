"""The page of one's own messages."""

from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("notifications/", views.notifications, name="list"),
    path("notifications/read/", views.read_all, name="read-all"),
    path("notifications/<uuid:pk>/read/", views.read, name="read"),
]
