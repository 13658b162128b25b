"""Pages of the trail."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.callers import caller
from ledger.filters import LedgerFilter
from ledger.models import LedgerEntry
from ledger.reading import changes_of, facts_of

PAGE_SIZE = 50


@login_required
def entries(request: HttpRequest) -> HttpResponse:
    """What was done, newest first, as far as the signed-in person may know."""
    chosen = LedgerFilter(request.GET, queryset=LedgerEntry.objects.visible_to(caller(request)).order_by("-sequence"))
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "ledger/list.html", {"filter": chosen, "page_obj": page})


@login_required
def entry(request: HttpRequest, sequence: int) -> HttpResponse:
    """One entry: before and after, and its place in the chain."""
    found = get_object_or_404(LedgerEntry.objects.visible_to(caller(request)), sequence=sequence)
    context = {"entry": found, "changes": changes_of(found), "facts": facts_of(found)}
    return render(request, "ledger/entry.html", context)
