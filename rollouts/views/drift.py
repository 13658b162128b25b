"""Differences: one with its three sides, a cluster with all of its namespaces, and what people decide about them."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from clusters.models import Cluster
from policy.errors import DomainError
from rollouts import services
from rollouts.baseline import standpoints
from rollouts.forms import AcceptForm
from rollouts.models import DriftFinding, NamespacePush
from rollouts.permissions import may_compare, may_operate
from rollouts.sides import sides_of

PAGE_SIZE = 50


@login_required
@require_GET
def drift(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One difference: approved, published and live beside each other."""
    return _finding_page(request, _visible(request, pk), AcceptForm())


@login_required
@require_POST
def revert(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Bring the published side back."""
    found = _visible(request, pk)
    try:
        services.revert_drift(actor=request.user, finding_id=found.pk)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The pusher rewrites it now; the difference closes when that is read back."))
    return redirect("rollouts:drift", pk=pk)


@login_required
@require_POST
def accept(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Live with it until a date."""
    found = _visible(request, pk)
    form = AcceptForm(request.POST)
    if form.is_valid():
        try:
            services.accept_drift(actor=request.user, finding_id=found.pk, **form.cleaned_data)
        except DomainError as error:
            field = str(error.details.get("field", ""))
            form.add_error("until" if field == "until" else "note", error.message)
        else:
            messages.success(request, _("Accepted until that day."))
            return redirect("rollouts:drift", pk=pk)
    return _finding_page(request, found, form, status=422)


@login_required
@require_GET
def cluster_drift(request: HttpRequest, name: str) -> HttpResponse:
    """Every enrolled namespace of a cluster: how its baseline stands, and what differs."""
    cluster = get_object_or_404(Cluster.objects.visible_to(request.user), name=name)
    rows = NamespacePush.objects.visible_to(request.user).filter(enforcement_point__cluster=cluster).for_lists()
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    findings = DriftFinding.objects.visible_to(request.user).open().filter(enforcement_point__cluster=cluster)
    context = {
        "cluster": cluster,
        "page_obj": page,
        "standpoints": standpoints(page.object_list, at=timezone.now()),
        "findings": findings.select_related("namespace").order_by("namespace__name", "kind", "name")[:200],
        "may_compare": may_compare(request.user),
        "may_operate": may_operate(request.user),
        "now": timezone.now(),
    }
    return render(request, "rollouts/cluster_drift.html", context)


@login_required
@require_POST
def compare(request: HttpRequest, name: str) -> HttpResponse:
    """Compare the whole cluster now."""
    cluster = get_object_or_404(Cluster.objects.visible_to(request.user), name=name)
    try:
        count = services.request_comparison(actor=request.user, cluster_id=cluster.pk)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        words = ngettext("%(count)d namespace is compared now.", "%(count)d namespaces are compared now.", count)
        messages.success(request, words % {"count": count})
    return redirect("rollouts:cluster-drift", name=name)


@login_required
@require_POST
def release(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a held push go on."""
    push = get_object_or_404(NamespacePush.objects.visible_to(request.user).for_lists(), pk=pk)
    try:
        services.release_hold(actor=request.user, push_id=push.pk)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The push goes on."))
    return redirect("rollouts:cluster-drift", name=push.namespace.cluster.name)


def _visible(request: HttpRequest, pk: uuid.UUID) -> DriftFinding:
    findings = DriftFinding.objects.visible_to(request.user).select_related(
        "namespace__cluster", "namespace__team", "enforcement_point", "revert_asked_by", "resolved_by"
    )
    return get_object_or_404(findings, pk=pk)


def _finding_page(request: HttpRequest, found: DriftFinding, form: AcceptForm, *, status: int = 200) -> HttpResponse:
    is_open = found.resolved_at is None
    is_foreign = found.difference == DriftFinding.Difference.FOREIGN
    context = {
        "finding": found,
        "sides": sides_of(found),
        "form": form,
        "is_open": is_open,
        "is_foreign": is_foreign,
        "may_revert": is_open and not is_foreign and found.revert_asked_at is None and may_operate(request.user),
        "may_accept": is_open and may_compare(request.user),
        "now": timezone.now(),
    }
    return render(request, "rollouts/drift.html", context, status=status)
