"""Pages of observed egress."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Team
from clusters.forms import show_error
from clusters.models import Cluster
from clusters.permissions import account_of, may_run_fleet
from flows import services
from flows.denied import DeniedFilter, as_group, denied_rollups, grouped
from flows.forms import SourceForm
from flows.models import FlowBatch, FlowSource
from policy.errors import DomainError

PAGE_SIZE = 50
SHOWN_BATCHES = 20


@login_required
@require_GET
def denied(request: HttpRequest) -> HttpResponse:
    """Denied flows of the namespaces that the signed-in person's teams answer for."""
    user = account_of(request)
    chosen = DeniedFilter(request.GET, queryset=denied_rollups(user))
    page = Paginator(grouped(chosen.qs), PAGE_SIZE).get_page(request.GET.get("page"))
    mine = Team.objects.for_which(user, "act_for_team").values_list("slug", flat=True)
    context = {
        "filter": chosen,
        "page_obj": page,
        "groups": [as_group(row) for row in page.object_list],
        "requestable": set(mine),
    }
    return render(request, "flows/denied.html", context)


@login_required
@sensitive_variables("secret")
@require_http_methods(["GET", "POST"])
def sources(request: HttpRequest, name: str) -> HttpResponse:
    """Who sends flow records of a cluster; making a source answers with its token, this once."""
    user, cluster = account_of(request), _cluster(request, name)
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = services.create_source(actor=user, cluster_id=cluster.pk, **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            # Not redirected: the token would have to be kept somewhere in between.
            return _page(request, cluster, SourceForm(), made=made, secret=secret)
    return _page(request, cluster, form, status=422 if form.is_bound else 200)


@login_required
@require_POST
def revoke_source(request: HttpRequest, name: str, pk: uuid.UUID) -> HttpResponse:
    """Take nothing more from a source."""
    cluster = _cluster(request, name)
    source = get_object_or_404(FlowSource, cluster=cluster, pk=pk)
    services.revoke_source(actor=account_of(request), source_id=source.pk)
    messages.success(request, _("The source was revoked; what it sent stays."))
    return redirect("flows:sources", name=cluster.name)


def _cluster(request: HttpRequest, name: str) -> Cluster:
    found: Cluster = get_object_or_404(Cluster.objects.visible_to(account_of(request)), name=name)
    return found


def _page(
    request: HttpRequest,
    cluster: Cluster,
    form: SourceForm,
    *,
    status: int = 200,
    made: FlowSource | None = None,
    secret: str = "",
) -> HttpResponse:
    context = {
        "cluster": cluster,
        "sources": cluster.flow_sources.order_by("revoked_at", "name"),
        "batches": FlowBatch.objects.filter(source__cluster=cluster).select_related("source")[:SHOWN_BATCHES],
        "may_manage": may_run_fleet(account_of(request)),
        "form": form,
        "made": made,
        "secret": secret,
        "ingest_url": request.build_absolute_uri(reverse("api:flow-ingest")),
    }
    response = render(request, "flows/sources.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
