"""The judgement of a proposal: risk by named rules, and what stands against putting it to review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Team
from allowlist.coverage import tiers_of
from allowlist.models import Entry, EntryRevision
from allowlist.proposals import Proposal
from clusters.models import Tier
from governance.effects import Effect, effect_of
from governance.models import EgressRequest
from policy.risk import RULE_SET_VERSION, ApprovalNeed, RiskReport, assess

_ALWAYS = (ApprovalNeed("security-reviewer", 1, ("every-request",)),)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a proposal would do as things are now, how risky that is, and what stands against it."""

    effect: Effect
    risk: RiskReport
    problems: tuple[str, ...]


def judge(*, kind: str, team: Team, entry: Entry | None, proposal: Proposal, at: datetime) -> Judgement:
    """Compute the effect and judge it; a constant number of queries."""
    effect = effect_of(kind=kind, team=team, entry=entry, proposal=proposal, at=at)
    risk = assess_proposal(kind=kind, proposal=proposal, at=at)
    return Judgement(effect, risk, tuple(problems_of(effect=effect, risk=risk, at=at)))


def assess_proposal(*, kind: str, proposal: Proposal, at: datetime) -> RiskReport:
    """The risk of allowing what is proposed. Taking something away is no risk, and still a second person's decision."""
    if kind == EgressRequest.Kind.REVOKE:
        return RiskReport(RULE_SET_VERSION, (), _ALWAYS)
    return assess(
        destination=proposal.destination,
        ports=proposal.ports,
        reaches_production=Tier.PRODUCTION in tiers_of(proposal.environments),
        known_names=_known_names(at),
        data_class=proposal.data_class or None,
    )


def _known_names(at: datetime) -> Iterable[str]:
    """The names that entries in force allow, without their wildcards."""
    carried = Entry.objects.in_force(at).values("in_non_production")
    destinations = EntryRevision.objects.filter(pk__in=carried).values_list("destination", flat=True).distinct()
    return {text.lstrip("*.").removesuffix(" +apex") for text in destinations if "/" not in text}


def problems_of(*, effect: Effect, risk: RiskReport, at: datetime) -> list[str]:
    """Every reason why this cannot be put to review, in words; empty when it can."""
    if effect.kind == EgressRequest.Kind.REVOKE:
        return []
    problems = []
    if effect.proposal.expires_at <= at:
        problems.append(_("Its end has passed."))
    if risk.is_refused:
        problems += [finding.reason for finding in risk.findings if finding.severity == "refuse"]
    if not effect.targets:
        problems.append(_no_target(effect))
    elif effect.reaches_nothing:
        problems.append(_("No cluster in scope can enforce it: ") + effect.targets[0].fidelity.reason)
    return problems


def _no_target(effect: Effect) -> str:
    return _("No cluster in scope has a namespace %(names)s that belongs to %(team)s.") % {
        "names": ", ".join(effect.proposal.namespaces),
        "team": effect.team.name,
    }
