"""Pages of the trail."""

from django.urls import path

from ledger import views

app_name = "ledger"
urlpatterns = [
    path("", views.entries, name="list"),
    path("<int:sequence>/", views.entry, name="entry"),
]
