"""The queue, and one request with everything that a reviewer needs to decide."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from allowlist.proposals import Proposal
from clusters.permissions import account_of
from governance.checks import Checks, check_proposal
from governance.effects import differences
from governance.filters import RequestFilter
from governance.forms import ApproveForm, DecisionForm, RejectForm, labels_text, last_day
from governance.models import EgressRequest
from governance.needs import need_lines, role_label
from governance.permissions import Standing, standing_of
from governance.services.rows import CONTENT, WORDS
from governance.states import actions_in

PAGE_SIZE = 50


@login_required
def requests(request: HttpRequest) -> HttpResponse:
    """Requests that the person may see: all, those whose turn is theirs, or those that wait on others."""
    known = EgressRequest.objects.visible_to(account_of(request)).for_listing().order_by("-number")
    chosen = RequestFilter(request.GET, queryset=known, request=request)
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "governance/list.html", {"filter": chosen, "page_obj": page})


@login_required
def request_page(request: HttpRequest, number: int) -> HttpResponse:
    """One request: what it asks for, what it would do, who decides."""
    return render_request(request, visible_request(request, number))


def visible_request(request: HttpRequest, number: int) -> EgressRequest:
    """The request with its people and entry, or 404 where the person may not know of it."""
    known = EgressRequest.objects.visible_to(account_of(request)).select_related(
        "team",
        "requester",
        "requester_person",
        "last_editor",
        "entry__team",
        "entry__in_non_production",
        "entry__in_production",
    )
    return get_object_or_404(known, number=number)


def render_request(
    request: HttpRequest,
    asked: EgressRequest,
    *,
    forms: dict[str, DecisionForm] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page, with a form as it was sent where it was refused."""
    approvals = list(asked.approvals.select_related("reviewer", "reviewer_person").order_by("decided_at"))
    standing = standing_of(account_of(request), asked, [one for one in approvals if one.voided_at is None])
    checks = _checks(asked) if asked.is_open else None
    outdated = differences(asked.effect, checks.effect.as_json()) if checks and asked.effect_hash else []
    context = {
        "asked": asked,
        "approvals": approvals,
        "need_lines": need_lines(asked, approvals),
        "standing": standing,
        "actions": set(actions_in(asked.state)),
        "checks": checks,
        "outdated": outdated,
        "changes": content_changes(asked),
        "problem": problem,
        "findings": asked.risk.get("findings", []),
        **_forms(asked, standing, forms or {}),
    }
    return render(request, "governance/request.html", context, status=status)


def _checks(asked: EgressRequest) -> Checks:
    return check_proposal(
        team=asked.team,
        kind=asked.kind,
        entry=asked.entry,
        proposal=Proposal.of_columns(asked),
        at=timezone.now(),
        asker=asked.last_editor,
    )


def _forms(asked: EgressRequest, standing: Standing, given: dict[str, DecisionForm]) -> dict[str, Any]:
    shown = {"revision": asked.revision, "effect_hash": asked.effect_hash}
    roles = [(role, role_label(role)) for role in standing.roles]
    fresh = {
        "approve_form": lambda: ApproveForm(initial=shown, roles=roles, prefix="approve"),
        "reject_form": lambda: RejectForm(initial=shown, prefix="reject"),
        "changes_form": lambda: DecisionForm(initial=shown, prefix="changes"),
    }
    return {name: given.get(name) or make() for name, make in fresh.items()}


def content_changes(asked: EgressRequest) -> list[tuple[str, str, str]]:
    """Field, what the entry says now, what is asked for; for a new entry the middle is empty."""
    current = asked.entry.latest if asked.entry and asked.kind != EgressRequest.Kind.ADD else None
    rows = []
    for name in (*CONTENT, *WORDS):
        after = shown(getattr(asked, name))
        before = shown(getattr(current, name)) if current is not None else ""
        label = name.replace("_", " ").capitalize()
        rows.append((label, before, after))
    return rows


def shown(value: Any) -> str:
    """A column as a person reads it."""
    if isinstance(value, dict):
        return labels_text(value) or _("all")
    if isinstance(value, list):
        return ", ".join(value)
    if hasattr(value, "isoformat"):
        return last_day(value)
    return str(value)
