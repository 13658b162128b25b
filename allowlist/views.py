"""The list of entries, and one entry with its whole story."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from allowlist.exports import csv_lines
from allowlist.filters import EntryFilter
from allowlist.models import Entry
from clusters.permissions import account_of
from policy.entries import is_passport

PAGE_SIZE = 50


@login_required
@require_safe
def entries(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Entries that the person may see; with ``?format=csv`` all that match as a table for other programs."""
    now = timezone.now()
    known = Entry.objects.visible_to(account_of(request)).for_listing(now).order_by("passport")
    chosen = EntryFilter(request.GET, queryset=known, request=request)
    if request.GET.get("format") == "csv":
        return _as_csv(chosen.qs)
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "allowlist/list.html", {"filter": chosen, "page_obj": page, "now": now})


@login_required
@require_safe
def entry(request: HttpRequest, passport: str) -> HttpResponse:
    """What, why, who, where and since when; what happened to it stands below, from the ledger."""
    if not is_passport(passport):
        raise Http404
    now = timezone.now()
    known = Entry.objects.visible_to(account_of(request)).for_listing(now)
    found = get_object_or_404(known, passport=passport)
    revisions = list(found.revisions.select_related("requested_by").prefetch_related("approved_by"))
    context = {
        "entry": found,
        "newest": found.latest,
        "revisions": revisions,
        "in_force": found.is_in_force(now),
        "may_request": account_of(request).may_act_for(found.team),
        "now": now,
    }
    return render(request, "allowlist/entry.html", context)


def _as_csv(chosen: QuerySet[Entry]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        csv_lines(chosen.iterator(chunk_size=1000)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="entries.csv"'
    return response
