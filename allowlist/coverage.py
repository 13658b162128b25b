"""Whether something asked for is allowed already."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Team
from allowlist.models import Entry, EntryRevision
from allowlist.proposals import Proposal
from clusters.models import Environment, Tier
from policy.ports import ports_cover
from policy.selectors import LabelSelector


def covering_entry(*, team: Team, proposal: Proposal, at: datetime) -> Entry | None:
    """An entry of the team that allows all of the proposal, in every tier it reaches, at least until its end."""
    tiers = tiers_of(proposal.environments)
    if not tiers:
        return None
    candidates = Entry.objects.filter(team=team).select_related("in_non_production", "in_production")
    for tier in tiers:
        candidates = candidates.in_force_in(tier, at)
    for entry in candidates:
        carried = [entry.carried_in(tier) for tier in tiers]
        if all(revision is not None and covers(revision, proposal) for revision in carried):
            return entry
    return None


def tiers_of(environments: tuple[str, ...]) -> list[str]:
    """The tiers that a choice of environments reaches; none chosen means all of them."""
    chosen = Environment.objects.all()
    if environments:
        chosen = chosen.filter(slug__in=environments)
    found = set(chosen.values_list("tier", flat=True))
    return [tier for tier in Tier.values if tier in found]


def covers(revision: EntryRevision, proposal: Proposal) -> bool:
    """Whether every packet that the proposal would allow, wherever and whenever, is allowed by the revision."""
    return (
        revision.expires_at >= proposal.expires_at
        and _scope_covers(revision, proposal)
        and LabelSelector(tuple(revision.workload.items())).covers(proposal.workload)
        and revision.parsed_destination.covers(proposal.destination)
        and ports_cover(revision.parsed_ports, proposal.ports)
    )


def _scope_covers(revision: EntryRevision, proposal: Proposal) -> bool:
    environments = not revision.environments or (
        bool(proposal.environments) and set(proposal.environments) <= set(revision.environments)
    )
    labels = LabelSelector(tuple(revision.cluster_labels.items())).covers(proposal.cluster_labels)
    return environments and labels and set(proposal.namespaces) <= set(revision.namespaces)
