"""Pages of teams."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import services
from accounts.callers import caller
from accounts.filters import TeamFilter
from accounts.forms import MemberForm, TeamForm, TeamWordsForm, show_error
from accounts.models import Team, User
from accounts.permissions import check_administers, may_administer
from policy.errors import DomainError

PAGE_SIZE = 50


@login_required
def teams(request: HttpRequest) -> HttpResponse:
    """The teams that the signed-in person may see."""
    chosen = TeamFilter(request.GET, queryset=Team.objects.visible_to(caller(request)).with_counts().order_by("name"))
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"filter": chosen, "page_obj": page, "may_administer": may_administer(caller(request))}
    return render(request, "accounts/teams.html", context)


@login_required
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """One team: who is in it, how it is reached, what it owns."""
    return _team_page(request, _visible(request, slug))


@login_required
def new_team(request: HttpRequest) -> HttpResponse:
    """Make a team."""
    check_administers(caller(request))
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_team(actor=caller(request), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The team was made."))
            return redirect("accounts:team", slug=made.slug)
    context = {"form": form, "heading": _("New team")}
    return render(request, "accounts/form.html", context, status=422 if form.is_bound else 200)


@login_required
def edit_team(request: HttpRequest, slug: str) -> HttpResponse:
    """Change how a team is called and reached."""
    check_administers(caller(request))
    found = _visible(request, slug)
    form = TeamWordsForm(request.POST or None, initial={"name": found.name, "contact": found.contact})
    if request.method == "POST" and form.is_valid():
        try:
            services.update_team(actor=caller(request), team_id=found.pk, **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The team was changed."))
            return redirect("accounts:team", slug=found.slug)
    context = {"form": form, "heading": _("Edit %(team)s") % {"team": found}}
    return render(request, "accounts/form.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def set_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Put an account into the team, or give it another place there."""
    found, form = _visible(request, slug), MemberForm(request.POST)
    if form.is_valid():
        check_administers(caller(request))
        user = User.objects.filter(email=form.cleaned_data["email"].strip().lower()).first()
        if user is None:
            form.add_error("email", _("There is no account with this address."))
        else:
            try:
                services.set_membership(
                    actor=caller(request), team_id=found.pk, user_id=user.pk, kind=form.cleaned_data["kind"]
                )
            except DomainError as error:
                show_error(form, error)
            else:
                messages.success(request, _("The membership holds from the next click."))
                return redirect("accounts:team", slug=found.slug)
    return _team_page(request, found, member_form=form)


@login_required
@require_POST
def end_member(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Take an account out of the team."""
    found = _visible(request, slug)
    services.end_membership(actor=caller(request), team_id=found.pk, user_id=pk)
    messages.success(request, _("The membership ended with its rights."))
    return redirect("accounts:team", slug=found.slug)


def _visible(request: HttpRequest, slug: str) -> Team:
    return get_object_or_404(Team.objects.visible_to(caller(request)), slug=slug)


def _team_page(request: HttpRequest, found: Team, *, member_form: MemberForm | None = None) -> HttpResponse:
    context = {
        "team": found,
        "memberships": found.memberships.select_related("user").order_by("kind", "user__email"),
        "may_administer": may_administer(caller(request)),
        "member_form": member_form or MemberForm(),
    }
    return render(request, "accounts/team.html", context, status=422 if member_form is not None else 200)
