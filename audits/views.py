"""Pages of the quarterly review."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from audits import services
from audits.filters import RowFilter
from audits.forms import DecideForm
from audits.models import Campaign, CampaignRow
from audits.permissions import may_close
from audits.querysets import CampaignRowQuerySet
from audits.services import RowResult
from audits.tallies import tallies_of, tally_of
from policy.errors import DomainError

PAGE_SIZE = 50


@login_required
@require_GET
def campaigns(request: HttpRequest) -> HttpResponse:
    """All campaigns, newest first, each with the tally of the rows that the person may see."""
    known = Campaign.objects.visible_to(request.user).order_by("-quarter")
    page = Paginator(known, PAGE_SIZE).get_page(request.GET.get("page"))
    tallies = tallies_of(page.object_list, rows=CampaignRow.objects.visible_to(request.user))
    listed = [(campaign, tallies[campaign.pk]) for campaign in page.object_list]
    return render(request, "audits/list.html", {"page_obj": page, "listed": listed})


@login_required
@require_GET
def campaign(request: HttpRequest, quarter: str) -> HttpResponse:
    found = _visible(request, quarter)
    return _campaign_page(request, found, DecideForm(rows=_rows(request, found)))


@login_required
@require_POST
def decide(request: HttpRequest, quarter: str) -> HttpResponse:
    """Decide the rows chosen, each for itself; the page then says what came of every one."""
    found = _visible(request, quarter)
    form = DecideForm(request.POST, rows=_rows(request, found))
    if not form.is_valid():
        return _campaign_page(request, found, form, status=422)
    given = form.cleaned_data
    chosen = [row.pk for row in given.pop("rows")]
    try:
        results = _decide(request, chosen, given)
    except DomainError as error:
        field = str(error.details.get("field", ""))
        form.add_error(field if field in form.fields else None, error.message)
        return _campaign_page(request, found, form, status=422)
    _tell(request, results)
    query = request.GET.urlencode()
    return redirect(f"{reverse('audits:campaign', args=[quarter])}{'?' + query if query else ''}")


@login_required
@require_POST
def close(request: HttpRequest, quarter: str) -> HttpResponse:
    """Close the campaign before its deadline."""
    found = _visible(request, quarter)
    try:
        services.close_campaign(actor=request.user, campaign_id=found.pk)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The campaign is closed. What is to go becomes ordinary requests now."))
    return redirect("audits:campaign", quarter=quarter)


def _decide(request: HttpRequest, chosen: list[uuid.UUID], given: dict[str, Any]) -> list[RowResult]:
    """One row alone needs no reason, and its refusal belongs beside the form."""
    if len(chosen) > 1:
        return services.decide_rows(actor=request.user, row_ids=chosen, **given)
    row = services.decide_row(actor=request.user, row_id=chosen[0], **given)
    return [RowResult(row.pk, row.entry.passport, True)]


def _tell(request: HttpRequest, results: list[RowResult]) -> None:
    decided = sum(one.is_decided for one in results)
    if decided:
        words = ngettext("%(count)d entry is decided.", "%(count)d entries are decided.", decided)
        messages.success(request, words % {"count": decided})
    for one in results:
        if not one.is_decided:
            messages.error(request, f"{one.passport}: {one.message}")


def _visible(request: HttpRequest, quarter: str) -> Campaign:
    return get_object_or_404(Campaign.objects.visible_to(request.user).select_related("closed_by"), quarter=quarter)


def _rows(request: HttpRequest, found: Campaign) -> CampaignRowQuerySet:
    return CampaignRow.objects.visible_to(request.user).filter(campaign=found)


def _campaign_page(request: HttpRequest, found: Campaign, form: DecideForm, *, status: int = 200) -> HttpResponse:
    rows = _rows(request, found).select_related("entry", "team", "decided_by", "request")
    chosen = RowFilter(request.GET, queryset=rows.order_by("team__name", "destination", "pk"), request=request)
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    is_open = found.state == Campaign.State.OPEN
    shown = [row.pk for row in page.object_list]
    decidable = rows.decidable_by(request.user).filter(pk__in=shown).values_list("pk", flat=True)
    context = {
        "campaign": found,
        "tally": tally_of(_rows(request, found)),
        "filter": chosen,
        "page_obj": page,
        "form": form,
        "is_open": is_open,
        "is_over": found.deadline_at <= timezone.now(),
        "may_close": is_open and may_close(request.user),
        "decidable": set(decidable) if is_open and not request.user.is_automation else set(),
        "chosen_rows": set(request.POST.getlist("rows")),
    }
    return render(request, "audits/campaign.html", context, status=status)
