"""Rollouts: the list, one of them with its stages, the proof and the promotion."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from policy.errors import DomainError
from rollouts import services
from rollouts.filters import RolloutFilter
from rollouts.forms import ProofForm
from rollouts.models import Rollout
from rollouts.permissions import may_confirm, may_promote
from rollouts.stages import stages_of
from rollouts.states import may

PAGE_SIZE = 50
MOVES_BY_ITSELF = (Rollout.State.NON_PRODUCTION, Rollout.State.PRODUCTION)


@login_required
@require_GET
def rollouts(request: HttpRequest) -> HttpResponse:
    """Revisions on their way, newest first."""
    known = Rollout.objects.visible_to(request.user).for_lists().order_by("-started_at", "pk")
    chosen = RolloutFilter(request.GET, queryset=known)
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "rollouts/list.html", {"filter": chosen, "page_obj": page})


@login_required
@require_GET
def rollout(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _detail(request, _visible(request, pk), ProofForm())


@login_required
@require_GET
def rollout_progress(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The moving part of the page alone; when a person's turn has come, the whole page is loaded again."""
    found = _visible(request, pk)
    response = render(request, "rollouts/progress.html", _context(request, found))
    if request.GET.get("state", found.state) != found.state:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def confirm(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirm the proof with a statement."""
    found = _visible(request, pk)
    form = ProofForm(request.POST)
    if form.is_valid():
        try:
            services.confirm_proof(actor=request.user, rollout_id=found.pk, statement=form.cleaned_data["statement"])
        except DomainError as error:
            form.add_error("statement", error.message)
        else:
            messages.success(request, _("The proof is recorded. It can be promoted to production now."))
            return redirect("rollouts:detail", pk=pk)
    return _detail(request, _visible(request, pk), form, status=422)


@login_required
@require_POST
def promote(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let production want it."""
    found = _visible(request, pk)
    try:
        services.promote(actor=request.user, rollout_id=found.pk)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("It is on its way to production."))
    return redirect("rollouts:detail", pk=pk)


def _visible(request: HttpRequest, pk: uuid.UUID) -> Rollout:
    return get_object_or_404(Rollout.objects.visible_to(request.user).for_page(), pk=pk)


def _detail(request: HttpRequest, found: Rollout, form: ProofForm, *, status: int = 200) -> HttpResponse:
    context = _context(request, found)
    context |= {
        "form": form,
        "proof": getattr(found, "proof", None),
        "may_confirm": may("confirm", found.state) and may_confirm(request.user, found),
        "may_promote": may("promote", found.state) and may_promote(request.user),
        "awaits_proof": found.state == Rollout.State.AWAITING_PROOF,
    }
    return render(request, "rollouts/detail.html", context, status=status)


def _context(request: HttpRequest, found: Rollout) -> dict[str, object]:
    targets = list(found.targets.select_related("enforcement_point__cluster__environment", "namespace"))
    return {
        "rollout": found,
        "targets": targets,
        "stages": stages_of(found, targets),
        "moves": found.state in MOVES_BY_ITSELF,
    }
