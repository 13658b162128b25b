"""Pages of governance."""

from django.urls import URLPattern, path

from governance.views import deciding, editing, reading

app_name = "governance"
urlpatterns: list[URLPattern] = [
    path("", reading.requests, name="list"),
    path("new/", editing.new_request, name="new"),
    path("checks/", editing.checks, name="checks"),
    path("<int:number>/", reading.request_page, name="request"),
    path("<int:number>/edit/", editing.edit_request, name="edit"),
    path("<int:number>/submit/", deciding.submit, name="submit"),
    path("<int:number>/withdraw/", deciding.withdraw, name="withdraw"),
    path("<int:number>/approve/", deciding.approve, name="approve"),
    path("<int:number>/reject/", deciding.reject, name="reject"),
    path("<int:number>/request-changes/", deciding.ask_for_changes, name="request-changes"),
    path("<int:number>/recheck/", deciding.recheck, name="recheck"),
]
