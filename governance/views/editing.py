"""Asking and editing, with the live checks beside what is typed."""

from __future__ import annotations

from typing import Any, TypeGuard

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Team
from accounts.text import fault_in
from allowlist.models import Entry
from clusters.permissions import account_of
from governance import services
from governance.checks import Checks, check_proposal
from governance.forms import LIST_FIELDS, ProposalForm, default_end, initial_of
from governance.models import EgressRequest
from governance.permissions import check_may_edit
from governance.views.reading import visible_request
from governance.views.statuses import STATUS_OF_KIND
from policy.entries import is_passport
from policy.errors import DomainError

_Kind = EgressRequest.Kind
PREFILLED = (
    "destination",
    "ports",
    "namespaces",
    "cluster_labels",
    "workload",
    "justification",
    "ticket",
    "data_class",
    "expires_at",
)


@login_required
@require_http_methods(["GET", "POST"])
def new_request(request: HttpRequest) -> HttpResponse:
    """Ask for something new, or for a change of an entry; query parameters fill the form in."""
    kind = _kind(request)
    entry = _entry(request, kind)
    if request.method == "GET":
        return _render(request, ProposalForm(initial=_initial(request, entry), **_options(request, kind, entry)))
    form = ProposalForm(_typed(request), **_options(request, kind, entry))
    if not form.is_valid() or _action(request) == "check":
        return _render(request, form, status=200 if form.is_valid() else 422)
    try:
        made = services.create_request(
            actor=account_of(request),
            team_id=form.owner.pk,
            kind=kind,
            proposal=form.proposal,
            entry_id=entry.pk if entry else None,
            origin="denied-flow" if form.cleaned_data.get("origin") == "denied-flow" else "page",
            submit=_action(request) != "draft",
        )
    except DomainError as error:
        return _refused(request, form, error)
    return _to(request, made)


@login_required
@require_http_methods(["GET", "POST"])
def edit_request(request: HttpRequest, number: int) -> HttpResponse:
    """Change what is asked for; a request that was sent back can go to the reviewers again with it."""
    asked = visible_request(request, number)
    check_may_edit(account_of(request), asked)
    options = {"user": account_of(request), "kind": asked.kind, "entry": asked.entry, "team": asked.team}
    if request.method == "GET":
        return _render(request, ProposalForm(initial=initial_of(asked), **options), asked=asked)
    form = ProposalForm(_typed(request), **options)
    if not form.is_valid() or _action(request) == "check":
        return _render(request, form, asked=asked, status=200 if form.is_valid() else 422)
    try:
        revision = _revision(request)
        made = services.edit_request(
            actor=account_of(request), request_id=asked.pk, revision=revision, proposal=form.proposal
        )
        if _action(request) == "submit" and made.state != EgressRequest.State.IN_REVIEW:
            made = services.submit_request(actor=account_of(request), request_id=asked.pk)
    except DomainError as error:
        return _refused(request, form, error, asked=asked)
    return _to(request, made)


@login_required
@require_POST
def checks(request: HttpRequest) -> HttpResponse:
    """The live checks alone, for the form that is being filled in; nothing is written."""
    asked = visible_request(request, int(request.POST["number"])) if _is_number(request.POST.get("number")) else None
    if asked is not None:
        check_may_edit(account_of(request), asked)
        form = ProposalForm(request.POST, user=account_of(request), kind=asked.kind, entry=asked.entry, team=asked.team)
    else:
        kind = _kind(request)
        form = ProposalForm(request.POST, **_options(request, kind, _entry(request, kind)))
    context = {"checks": _checks(form), "form": form}
    return render(request, "governance/checks.html", context)


def _checks(form: ProposalForm) -> Checks | None:
    """The checks of a form that can be read; a form that cannot says so beside its fields."""
    if not form.is_bound or not form.is_valid() or form.owner is None or form.proposal is None:
        return None
    return check_proposal(
        team=form.owner,
        kind=form.kind,
        entry=form.entry,
        proposal=form.proposal,
        at=timezone.now(),
        # Where a lead asks, the team has consented: the checks must not promise an approval that nobody will need.
        asker=form.user,
    )


def _render(
    request: HttpRequest, form: ProposalForm, *, asked: EgressRequest | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "asked": asked,
        "kind": form.kind,
        "entry": form.entry,
        "checks": _checks(form),
        "revision": _posted_revision(request, asked),
    }
    return render(request, "governance/form.html", context, status=status)


def _posted_revision(request: HttpRequest, asked: EgressRequest | None) -> object:
    """The revision that the person began with: a form that comes back must not hide a stale one."""
    return request.POST.get("revision") or (asked.revision if asked else "")


def _refused(
    request: HttpRequest, form: ProposalForm, error: DomainError, *, asked: EgressRequest | None = None
) -> HttpResponse:
    problems = error.details.get("problems")
    for message in problems if isinstance(problems, list) else [error.message]:
        form.add_error(None, str(message))
    return _render(request, form, asked=asked, status=STATUS_OF_KIND[error.kind])


def _to(request: HttpRequest, made: EgressRequest) -> HttpResponse:
    messages.success(request, _("%(request)s is “%(state)s”.") % {"request": made, "state": made.get_state_display()})
    return redirect("governance:request", number=made.number)


def _kind(request: HttpRequest) -> str:
    kind = request.GET.get("kind") or request.POST.get("kind") or _Kind.ADD
    if kind not in _Kind.values:
        raise Http404
    return kind


def _entry(request: HttpRequest, kind: str) -> Entry | None:
    passport = request.GET.get("entry") or request.POST.get("entry") or ""
    if kind == _Kind.ADD:
        return None
    if not is_passport(passport):
        raise Http404
    known = Entry.objects.visible_to(account_of(request)).select_related("team", "in_non_production", "in_production")
    return get_object_or_404(known, passport=passport)


def _options(request: HttpRequest, kind: str, entry: Entry | None) -> dict[str, Any]:
    return {"user": account_of(request), "kind": kind, "entry": entry, "team": entry.team if entry else None}


def _initial(request: HttpRequest, entry: Entry | None) -> dict[str, Any]:
    """What the address says, over what the entry says, over the defaults."""
    given = {name: request.GET[name] for name in PREFILLED if name in request.GET and not fault_in(request.GET[name])}
    lists = {name: request.GET.getlist(name) for name in LIST_FIELDS if name in request.GET}
    base: dict[str, Any] = {"expires_at": default_end(timezone.now())}
    if entry is not None:
        base = {**initial_of(entry.latest), "justification": ""}
    else:
        base["team"] = request.GET.get("team") or _only_team(request)
    return {**base, **given, **lists, "origin": request.GET.get("origin", "")}


def _only_team(request: HttpRequest) -> str:
    """The slug of the person's team, where there is exactly one."""
    slugs = list(Team.objects.for_which(account_of(request), "act_for_team").values_list("slug", flat=True)[:2])
    return slugs[0] if len(slugs) == 1 else ""


def _typed(request: HttpRequest) -> Any:
    """What was typed, with the canonical form in its place where the person chose it."""
    chosen = request.POST.get("use_destination")
    if not chosen:
        return request.POST
    typed = request.POST.copy()
    typed["destination"] = chosen
    return typed


def _action(request: HttpRequest) -> str:
    """The button that was pressed; taking the canonical form only looks again."""
    return "check" if "use_destination" in request.POST else request.POST.get("action", "check")


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    return int(text) if _is_number(text) else 0


def _is_number(text: str | None) -> TypeGuard[str]:
    return text is not None and text.isascii() and text.isdigit() and len(text) < 10
