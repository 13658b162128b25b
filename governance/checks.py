"""The live checks: everything that can be said of a proposal before anybody approves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Team, User
from allowlist.coverage import covering_entry
from allowlist.models import Entry
from allowlist.proposals import Proposal
from governance.assessment import judge
from governance.effects import Effect, TargetEffect
from governance.models import EgressRequest
from governance.needs import Needs, frozen, role_label
from governance.permissions import speaks_for
from governance.previews import Preview, previews_of
from policy.destinations import MatchExample
from policy.names import canonical_name
from policy.ports import format_ports
from policy.risk import RiskReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """One proposal, judged as things are now."""

    canonical: str
    unicode: str
    ports: str
    examples: tuple[MatchExample, ...]
    covered_by: Entry | None
    risk: RiskReport
    needs: Needs
    effect: Effect
    previews: tuple[Preview, ...]
    problems: tuple[str, ...]

    @property
    def effect_hash(self) -> str:
        return self.effect.hash

    @property
    def impossible(self) -> tuple[TargetEffect, ...]:
        return self.effect.impossible

    @property
    def is_submittable(self) -> bool:
        return not self.problems

    @property
    def approvers(self) -> list[tuple[str, int, str]]:
        """Role in words, how many, and because of what."""
        return [(role_label(need["role"]), need["count"], ", ".join(need["because"])) for need in self.needs]


def check_proposal(
    *, team: Team, kind: str, entry: Entry | None, proposal: Proposal, at: datetime, asker: User | None = None
) -> Checks:
    """Judge the proposal and render its effect on every cluster in scope; writes nothing.

    Who asks decides whether the consent of the team's lead is still needed.
    """
    judged = judge(kind=kind, team=team, entry=entry, proposal=proposal, at=at)
    covered = None
    if kind == EgressRequest.Kind.ADD:
        covered = covering_entry(team=team, proposal=proposal, at=at)
    return Checks(
        canonical=proposal.destination.canonical,
        unicode=_unicode(proposal),
        ports=format_ports(proposal.ports),
        examples=proposal.destination.examples(),
        covered_by=covered,
        risk=judged.risk,
        needs=frozen(judged.risk.approvals, asked_by_lead=speaks_for(asker, team)),
        effect=judged.effect,
        previews=previews_of(judged.effect, at=at),
        problems=judged.problems,
    )


def _unicode(proposal: Proposal) -> str:
    """The name as people read it, where that differs from what machines carry."""
    if not proposal.destination.is_name:
        return ""
    name = canonical_name(proposal.destination.base)
    return name.unicode if name.unicode != name.ascii else ""
