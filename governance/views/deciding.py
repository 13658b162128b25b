"""The buttons of a request: each calls one service and goes back to the page, with the reason where it was refused."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clusters.permissions import account_of
from governance import services
from governance.forms import ApproveForm, DecisionForm, RejectForm
from governance.models import EgressRequest
from governance.needs import role_label
from governance.permissions import roles_held
from governance.views.reading import render_request, visible_request
from governance.views.statuses import STATUS_OF_KIND
from policy.errors import DomainError

Act = Callable[[], EgressRequest]


@login_required
@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    asked = visible_request(request, number)
    roles = [(role, role_label(role)) for role in roles_held(account_of(request), asked.team)]
    form = ApproveForm(request.POST, roles=roles, prefix="approve")
    return _decide(
        request,
        asked,
        form,
        name="approve_form",
        act=lambda: services.approve_request(
            actor=account_of(request),
            request_id=asked.pk,
            revision=form.cleaned_data["revision"],
            effect_hash=form.cleaned_data["effect_hash"],
            comment=form.cleaned_data["comment"],
            role=form.cleaned_data.get("role", ""),
        ),
    )


@login_required
@require_POST
def reject(request: HttpRequest, number: int) -> HttpResponse:
    asked = visible_request(request, number)
    form = RejectForm(request.POST, prefix="reject")
    return _decide(
        request,
        asked,
        form,
        name="reject_form",
        act=lambda: services.reject_request(
            actor=account_of(request),
            request_id=asked.pk,
            revision=form.cleaned_data["revision"],
            comment=form.cleaned_data["comment"],
            cited_rule=form.cleaned_data["cited_rule"],
            acceptable_change=form.cleaned_data["acceptable_change"],
        ),
    )


@login_required
@require_POST
def ask_for_changes(request: HttpRequest, number: int) -> HttpResponse:
    asked = visible_request(request, number)
    form = DecisionForm(request.POST, prefix="changes")
    return _decide(
        request,
        asked,
        form,
        name="changes_form",
        act=lambda: services.request_changes(
            actor=account_of(request),
            request_id=asked.pk,
            revision=form.cleaned_data["revision"],
            comment=form.cleaned_data["comment"],
        ),
    )


@login_required
@require_POST
def submit(request: HttpRequest, number: int) -> HttpResponse:
    asked = visible_request(request, number)
    return _act(request, asked, lambda: services.submit_request(actor=account_of(request), request_id=asked.pk))


@login_required
@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    asked = visible_request(request, number)
    return _act(request, asked, lambda: services.withdraw_request(actor=account_of(request), request_id=asked.pk))


@login_required
@require_POST
def recheck(request: HttpRequest, number: int) -> HttpResponse:
    asked = visible_request(request, number)
    return _act(request, asked, lambda: services.recheck_request(actor=account_of(request), request_id=asked.pk))


def _decide(request: HttpRequest, asked: EgressRequest, form: DecisionForm, *, name: str, act: Act) -> HttpResponse:
    """Act, or show the page again with what was typed and why it was refused."""
    if not form.is_valid():
        return render_request(request, asked, forms={name: form}, status=422)
    try:
        decided = act()
    except DomainError as error:
        return _refused(request, asked, form, name=name, error=error)
    return _done(request, decided)


def _refused(
    request: HttpRequest, asked: EgressRequest, form: DecisionForm, *, name: str, error: DomainError
) -> HttpResponse:
    """The page as it is now; the form keeps the words, and names what is on the screen now."""
    fields = error.details.get("fields")
    named = fields if isinstance(fields, dict) else {}
    for field, texts in named.items():
        form.add_error(field if field in form.fields else None, list(texts))
    fresh = visible_request(request, asked.number)
    shown = {"revision": str(fresh.revision), "effect_hash": fresh.effect_hash}
    form.data = {**request.POST.dict(), **{form.add_prefix(field): value for field, value in shown.items()}}
    problem = "" if named else error.message
    because = error.details.get("because")
    if isinstance(because, list):
        problem = " ".join([problem, *(f"{one}." for one in because)])
    return render_request(request, fresh, forms={name: form}, problem=problem, status=STATUS_OF_KIND[error.kind])


def _act(request: HttpRequest, asked: EgressRequest, act: Act) -> HttpResponse:
    try:
        done = act()
    except DomainError as error:
        return render_request(
            request, visible_request(request, asked.number), problem=error.message, status=STATUS_OF_KIND[error.kind]
        )
    return _done(request, done)


def _done(request: HttpRequest, decided: EgressRequest) -> HttpResponse:
    state = decided.get_state_display()
    messages.success(request, _("%(request)s is “%(state)s”.") % {"request": decided, "state": state})
    return redirect("governance:request", number=decided.number)
