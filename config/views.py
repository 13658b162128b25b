"""The home page, by role, and the two questions that an orchestrator asks."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from accounts.callers import caller
from accounts.models import Team
from config.demo import progress
from config.home import tiles_for
from config.shell import THEMES

YEAR = 365 * 24 * 3600


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    person = caller(request)
    shown = {
        "tiles": tiles_for(person, at=timezone.now()),
        "may_request": Team.objects.for_which(person, "act_for_team").exists(),
    }
    return render(request, "home.html", shown)


@login_required
@require_GET
def practice(request: HttpRequest) -> HttpResponse:
    """How far the practice clusters are, for the page that asks again while they are under way."""
    return render(request, "components/practice.html", {"progress": progress.read() if settings.DEMO_MODE else None})


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's choice in a cookie, and go back to where the person was."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = redirect(back)
    theme = request.POST.get("theme")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    return response


@require_GET
def live(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "live"})


@require_GET
def ready(_request: HttpRequest) -> JsonResponse:
    """Ready when the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ready"})
