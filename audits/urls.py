"""Pages of audits."""

from django.urls import path, register_converter

from audits import views


class QuarterConverter:
    """Such as ``2026-Q4``."""

    regex = "[0-9]{4}-Q[1-4]"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(QuarterConverter, "quarter")

app_name = "audits"
urlpatterns = [
    path("", views.campaigns, name="list"),
    path("<quarter:quarter>/", views.campaign, name="campaign"),
    path("<quarter:quarter>/decide/", views.decide, name="decide"),
    path("<quarter:quarter>/close/", views.close, name="close"),
]
