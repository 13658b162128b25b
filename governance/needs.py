"""Which approvals a request needs, frozen into it when it is submitted, and which of them are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership, Role, User
from governance.models import Approval, EgressRequest
from policy.risk import ApprovalNeed, RiskReport

TEAM_LEAD = "team-lead"
Needs = list[dict[str, Any]]


def frozen(approvals: Iterable[ApprovalNeed], *, asked_by_lead: bool = False) -> Needs:
    """The needs as the request keeps them. Where a lead of the owner team asks, that team has consented already."""
    return [
        {"role": need.role, "count": need.count, "because": list(need.because)}
        for need in approvals
        if not (asked_by_lead and need.role == TEAM_LEAD)
    ]


def frozen_risk(report: RiskReport) -> dict[str, Any]:
    """The findings as the request keeps them."""
    return {
        "version": report.version,
        "severity": report.severity or "none",
        "findings": [
            {"rule": finding.rule, "severity": finding.severity, "reason": finding.reason}
            for finding in report.findings
        ],
    }


def counting(request: EgressRequest, approvals: Iterable[Approval]) -> list[Approval]:
    """The approvals that count: standing, and for the effect that the request has now."""
    return [
        one
        for one in approvals
        if one.decision == Approval.Decision.APPROVE
        and one.voided_at is None
        and one.effect_hash == request.effect_hash
    ]


def remaining(request: EgressRequest, approvals: Iterable[Approval]) -> Counter[str]:
    """How many approvals are missing for each role; one person's approval counts for one role only."""
    given = Counter(one.role for one in counting(request, approvals))
    return Counter({need["role"]: max(need["count"] - given[need["role"]], 0) for need in request.needs})


def is_complete(request: EgressRequest, approvals: Iterable[Approval]) -> bool:
    return bool(request.needs) and not any(remaining(request, approvals).values())


@dataclass(frozen=True, slots=True)
class NeedLine:
    """One role of the approvers box: how many of how many, why, and who."""

    role: str
    label: str
    count: int
    because: tuple[str, ...]
    given: tuple[Approval, ...]

    @property
    def missing(self) -> int:
        return max(self.count - len(self.given), 0)


def need_lines(request: EgressRequest, approvals: Iterable[Approval]) -> list[NeedLine]:
    """The approvers box, in the order in which the needs were frozen."""
    counted = counting(request, approvals)
    return [
        NeedLine(
            role=need["role"],
            label=role_label(need["role"]),
            count=need["count"],
            because=tuple(need["because"]),
            given=tuple(one for one in counted if one.role == need["role"]),
        )
        for need in request.needs
    ]


def role_label(role: str) -> str:
    if role == TEAM_LEAD:
        return _("Lead of the owner team")
    return str(Role(role).label) if role in Role.values else role


def people_who_can(request: EgressRequest) -> list[User]:
    """Everybody whom the missing approvals concern, without the persons that four eyes exclude."""
    roles = [need["role"] for need in request.needs]
    people = User.objects.people()
    chosen = people.filter(groups__name__in=roles)
    if TEAM_LEAD in roles:
        leads = Membership.objects.filter(team=request.team, kind=Membership.Kind.LEAD).values("user")
        chosen = people.filter(pk__in=leads) | people.filter(groups__name__in=roles)
    excluded = {request.requester_person_id, request.last_editor_person_id}
    return list(chosen.exclude(pk__in=excluded).distinct())
