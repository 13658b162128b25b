"""The one door in, and the way out."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth import login, logout
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.forms import SignInForm
from accounts.models import Membership, User

DEMO_DOMAIN = "@demo.sallyport.invalid"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Mail address and password; in demo mode also the demo people as buttons."""
    target = _target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request, data=request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user(), backend=BACKEND)
        return redirect(target)
    context = {"form": form, "target": target, "demo_people": demo_people() if settings.DEMO_MODE else []}
    return render(request, "accounts/sign_in.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_POST
def sign_in_as(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign in as one of the demo people. Outside demo mode there is no such page, and never for any other account."""
    if not settings.DEMO_MODE:
        raise Http404
    login(request, get_object_or_404(demo_people(), pk=pk), backend=BACKEND)
    return redirect(_target(request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, whoever holds it."""
    logout(request)
    return redirect("accounts:sign-in")


def locked_out(request: HttpRequest, _response: HttpResponse, _credentials: dict[str, str]) -> HttpResponse:
    """Too many failures for this account from this address: say so, and nothing about the account."""
    minutes = int(float(settings.AXES_COOLOFF_TIME) * 60)
    return render(request, "accounts/locked_out.html", {"minutes": minutes}, status=429)


def demo_people() -> QuerySet[User]:
    """The active people of the demo, with their roles and teams."""
    memberships = Prefetch("memberships", Membership.objects.select_related("team"))
    return (
        User.objects.people()
        .filter(email__endswith=DEMO_DOMAIN)
        .prefetch_related("groups", memberships)
        .order_by("display_name")
    )


def _target(request: HttpRequest) -> str:
    """Where to go afterwards: a page of ours, or home."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else "/"
