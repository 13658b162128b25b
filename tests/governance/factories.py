"""Requests in every state, made by the services that the pages use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Team, User
from allowlist.models import Entry
from allowlist.services import promote_revision
from clusters.models import Cluster
from governance import services
from governance.models import EgressRequest
from governance.needs import remaining
from governance.permissions import roles_held
from tests.allowlist import factories as fleet
from tests.factories import lead, member, platform_engineer, reviewer, team

State = EgressRequest.State


@dataclass
class World:
    """One team with its fleet, somebody who asks, and people who decide."""

    team: Team = field(default_factory=team)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    requester: User = field(init=False)
    lead: User = field(init=False)
    reviewer: User = field(init=False)
    second: User = field(init=False)
    engineer: User = field(init=False)

    def __post_init__(self) -> None:
        self.clusters = self.clusters or fleet.fleet(self.team, names=("payments", "billing"))
        self.requester = member(self.team)
        self.lead = lead(self.team)
        self.reviewer = reviewer()
        self.second = reviewer()
        self.engineer = platform_engineer()

    def ask(self, destination: str = "api.example.com", *, kind: str = "add", **fields: Any) -> EgressRequest:
        """A request for the destination, before the reviewers unless ``submit`` says otherwise."""
        options = {name: fields.pop(name) for name in ("submit", "origin", "entry_id", "at") if name in fields}
        actor = fields.pop("actor", self.requester)
        return services.create_request(
            actor=actor,
            team_id=self.team.pk,
            kind=kind,
            proposal=fleet.proposal(destination, at=options.get("at"), **fields),
            **options,
        )

    def approve(self, request: EgressRequest, *, by: User | None = None, **fields: Any) -> EgressRequest:
        """An approval of what the request is now."""
        request.refresh_from_db()
        return services.approve_request(
            actor=by or self.reviewer,
            request_id=request.pk,
            revision=fields.pop("revision", request.revision),
            effect_hash=fields.pop("effect_hash", request.effect_hash),
            **fields,
        )

    def in_force(self, destination: str = "api.example.com", **fields: Any) -> Entry:
        """An entry that went through the workflow and was promoted."""
        request = self.approve_fully(self.ask(destination, **fields))
        entry = Entry.objects.get(pk=request.entry_id)
        return promote_revision(actor=None, revision_id=entry.latest.pk)

    def approve_fully(self, request: EgressRequest) -> EgressRequest:
        """Every approval that is missing, each by another person."""
        for decider in (self.lead, self.reviewer, self.second, self.engineer):
            held = roles_held(decider, self.team)
            if request.state == State.IN_REVIEW and any(
                remaining(request, request.approvals.all())[role] for role in held
            ):
                request = self.approve(request, by=decider)
        return request

    def in_state(self, state: str, destination: str = "api.example.com") -> EgressRequest:
        """A request that came into the state by the ordinary verbs."""
        if state == State.COVERED:
            self.in_force(f"**.{destination.partition('.')[2]}")
            return self.ask(destination, days=30)
        request = self.ask(destination, submit=state != State.DRAFT)
        reached = {
            State.APPROVED: lambda: self.approve_fully(request),
            State.REJECTED: lambda: self.reject(request),
            State.CHANGES_REQUESTED: lambda: self.send_back(request),
            State.WITHDRAWN: lambda: services.withdraw_request(actor=self.requester, request_id=request.pk),
            State.LAPSED: lambda: services.lapse_unanswered(timezone.now() + timedelta(days=15)),
        }
        if state in reached:
            reached[state]()
        request.refresh_from_db()
        return request

    def reject(self, request: EgressRequest, *, by: User | None = None) -> EgressRequest:
        return services.reject_request(
            actor=by or self.reviewer,
            request_id=request.pk,
            revision=request.revision,
            comment="Too wide for what it is for.",
            cited_rule="destination-too-broad",
            acceptable_change="api.example.com on 443/tcp",
        )

    def send_back(self, request: EgressRequest, *, by: User | None = None) -> EgressRequest:
        return services.request_changes(
            actor=by or self.reviewer, request_id=request.pk, revision=request.revision, comment="Which data?"
        )
