"""Pages that show the fleet."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import Team
from clusters.filters import ClusterFilter
from clusters.forms import ReasonForm
from clusters.models import Cluster, Contact, Namespace
from clusters.permissions import account_of, may_run_fleet
from clusters.querysets import NamespaceQuerySet

PAGE_SIZE = 50
SHOWN_CONTACTS = 5


def visible_cluster(request: HttpRequest, name: str) -> Cluster:
    """The cluster, or 404 for whoever may not see it."""
    known = Cluster.objects.visible_to(account_of(request)).select_related("environment", "owner_team", "credential")
    found: Cluster = get_object_or_404(known, name=name)
    return found


@login_required
@require_GET
def clusters(request: HttpRequest) -> HttpResponse:
    """The fleet as far as the signed-in person may see it, those first that need a person."""
    visible = (
        Cluster.objects.visible_to(account_of(request))
        .select_related("environment", "owner_team")
        .prefetch_related("enforcement_points")
        .with_counts()
        .worst_first(timezone.now())
    )
    chosen = ClusterFilter(request.GET, queryset=visible)
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"filter": chosen, "page_obj": page, "may_run_fleet": may_run_fleet(account_of(request))}
    return render(request, "clusters/list.html", context)


@login_required
@require_GET
def cluster(request: HttpRequest, name: str) -> HttpResponse:
    """One cluster: what it is, how it answers, who answers for its namespaces."""
    return cluster_page(request, visible_cluster(request, name))


def cluster_page(request: HttpRequest, found: Cluster, *, status: int = 200) -> HttpResponse:
    """The page of a cluster, also after something on it was refused."""
    runs_fleet = may_run_fleet(account_of(request))
    page = Paginator(_namespaces(request, found), PAGE_SIZE).get_page(request.GET.get("page"))
    recent = list(found.contacts.select_related("requested_by").order_by("-requested_at")[:SHOWN_CONTACTS])
    context = {
        "cluster": found,
        "credential": getattr(found, "credential", None),
        "points": found.enforcement_points.all(),
        "page_obj": page,
        "search": request.GET.get("namespace", "")[:63],
        "only_unassigned": "unassigned" in request.GET,
        "contacts": recent,
        "open_contacts": [one for one in recent if one.state in {Contact.State.DUE, Contact.State.RUNNING}],
        "may_run_fleet": runs_fleet,
        "may_act": runs_fleet and found.retired_at is None,
        "teams": Team.objects.order_by("name") if runs_fleet else [],
        "reason_form": ReasonForm(auto_id="identity_%s"),
    }
    return render(request, "clusters/detail.html", context, status=status)


@login_required
@require_GET
def contact(request: HttpRequest, name: str, pk: uuid.UUID) -> HttpResponse:
    """How a contact is going, polled while it is open; once it is over, the whole page is read anew."""
    found = visible_cluster(request, name)
    asked = get_object_or_404(found.contacts.select_related("requested_by"), pk=pk)
    response = render(request, "clusters/contact.html", {"contact": asked, "cluster": found})
    if asked.finished_at is not None and request.headers.get("HX-Request"):
        response["HX-Refresh"] = "true"
    return response


def _namespaces(request: HttpRequest, found: Cluster) -> NamespaceQuerySet:
    """The present ones first, by name; narrowed by what stands in the address."""
    visible = Namespace.objects.visible_to(account_of(request)).filter(cluster=found).select_related("team")
    text = request.GET.get("namespace", "")
    if text and text.isprintable():
        visible = visible.filter(name__icontains=text[:63])
    if "unassigned" in request.GET:
        visible = visible.filter(team=None, gone_at=None)
    return visible.order_by("gone_at", "name")
