"""Pages of people and programs."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import services
from accounts.callers import caller
from accounts.filters import PeopleFilter
from accounts.forms import (
    AutomationAccountForm,
    ChangePasswordForm,
    PersonForm,
    RoleForm,
    SetPasswordForm,
    show_error,
)
from accounts.models import Membership, User
from accounts.permissions import check_administers, may_administer
from policy.errors import DomainError

PAGE_SIZE = 50


@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Everyone whom the signed-in person may know of."""
    memberships = Prefetch("memberships", Membership.objects.visible_to(caller(request)).select_related("team"))
    known = User.objects.visible_to(caller(request)).prefetch_related("groups", memberships).order_by("email")
    chosen = PeopleFilter(request.GET, queryset=known)
    page = Paginator(chosen.qs.distinct(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"filter": chosen, "page_obj": page, "may_administer": may_administer(caller(request))}
    return render(request, "accounts/people.html", context)


@login_required
def person(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One account: who it is, what it may, what happened to it."""
    return _person_page(request, _visible(request, pk))


@login_required
@sensitive_post_parameters("password")
def new_person(request: HttpRequest) -> HttpResponse:
    """Make a person's account."""
    check_administers(caller(request))
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = {**form.cleaned_data, "password": form.cleaned_data["password"] or None}
        try:
            user = services.create_person(actor=caller(request), **fields)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The account was made."))
            return redirect("accounts:person", pk=user.pk)
    context = {"form": form, "heading": _("New person")}
    return render(request, "accounts/form.html", context, status=422 if form.is_bound else 200)


@login_required
def new_automation_account(request: HttpRequest) -> HttpResponse:
    """Make an account for a program."""
    check_administers(caller(request))
    form = AutomationAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.create_automation_account(actor=caller(request), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The account was made."))
            return redirect("accounts:person", pk=user.pk)
    context = {"form": form, "heading": _("New automation account")}
    return render(request, "accounts/form.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def grant_role(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    user, form = _visible(request, pk), RoleForm(request.POST)
    if not form.is_valid():
        return _person_page(request, user, role_form=form)
    try:
        services.grant_role(actor=caller(request), user_id=user.pk, role=form.cleaned_data["role"])
    except DomainError as error:
        show_error(form, error)
        return _person_page(request, user, role_form=form)
    messages.success(request, _("The role holds from the next click."))
    return redirect("accounts:person", pk=user.pk)


@login_required
@require_POST
def withdraw_role(request: HttpRequest, pk: uuid.UUID, role: str) -> HttpResponse:
    user = _visible(request, pk)
    services.withdraw_role(actor=caller(request), user_id=user.pk, role=role)
    messages.success(request, _("The role ends with the next click."))
    return redirect("accounts:person", pk=user.pk)


@login_required
@require_POST
def disable(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    user = _visible(request, pk)
    services.disable_account(actor=caller(request), user_id=user.pk)
    messages.success(request, _("The account is disabled; its sessions and tokens ended."))
    return redirect("accounts:person", pk=user.pk)


@login_required
@require_POST
def enable(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    user = _visible(request, pk)
    services.enable_account(actor=caller(request), user_id=user.pk)
    messages.success(request, _("The account is enabled; it needs a new password and new tokens."))
    return redirect("accounts:person", pk=user.pk)


@login_required
@require_POST
@sensitive_post_parameters("password")
def set_password(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give somebody a new password."""
    user, form = _visible(request, pk), SetPasswordForm(request.POST)
    if form.is_valid():
        try:
            changed = services.set_password(
                actor=caller(request), user_id=user.pk, password=form.cleaned_data["password"]
            )
        except DomainError as error:
            show_error(form, error)
        else:
            if changed.pk == caller(request).pk:
                update_session_auth_hash(request, changed)
            messages.success(request, _("The password was set."))
            return redirect("accounts:person", pk=user.pk)
    return _person_page(request, user, password_form=form)


@login_required
@sensitive_post_parameters("current", "password")
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password."""
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.change_password(actor=caller(request), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password was changed."))
            return redirect("accounts:person", pk=user.pk)
    context = {"form": form, "heading": _("Your password")}
    return render(request, "accounts/form.html", context, status=422 if form.is_bound else 200)


def _visible(request: HttpRequest, pk: uuid.UUID) -> User:
    return get_object_or_404(User.objects.visible_to(caller(request)), pk=pk)


def _person_page(
    request: HttpRequest, user: User, *, role_form: RoleForm | None = None, password_form: SetPasswordForm | None = None
) -> HttpResponse:
    """The page, with whichever form came back with errors."""
    context = {
        "person": user,
        "groups": user.groups.order_by("name"),
        "memberships": user.memberships.visible_to(caller(request)).select_related("team"),
        "automation_accounts": user.automation_accounts.visible_to(caller(request)),
        "may_administer": may_administer(caller(request)),
        "role_form": role_form or RoleForm(),
        "password_form": password_form or SetPasswordForm(),
    }
    refused = role_form is not None or password_form is not None
    return render(request, "accounts/person.html", context, status=422 if refused else 200)
