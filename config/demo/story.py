"""What has happened so far in the demonstration: requests in many states, a drift, flows, a campaign."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from allowlist.models import Entry
from allowlist.proposals import parse_proposal
from audits.models import CampaignRow
from audits.services import decide_row, ensure_campaign
from config.demo.fleet import Say, wait_until
from config.demo.people import person, team
from governance.errors import MayNotDecide, NothingLeftToApprove
from governance.models import EgressRequest
from governance.services import (
    approve_request,
    create_request,
    reject_request,
    request_changes,
    withdraw_request,
)
from rollouts.models import Rollout
from rollouts.services import confirm_proof, promote


@dataclass(frozen=True)
class Wish:
    """One request of the story and how far it got."""

    asker: str
    team: str
    destination: str
    ports: str
    namespaces: str
    why: str
    goes: str  # review, approved, proved, production, rejected, changes, withdrawn
    days: int = 90
    environments: str = ""
    workload: str = ""


WISHES = (
    Wish("lena", "payments", "api.stripe.com", "443/tcp", "checkout",
         "Card payments go through Stripe; without it nobody can pay.", "production", 180, workload="app=api"),
    Wish("mia", "payments", "*.adyen.com", "443/tcp", "checkout",
         "Second payment provider, live, checkout and test hosts.", "production", 90),
    Wish("lena", "payments", "203.0.113.0/28", "8443/tcp", "billing",
         "SEPA file transfer of our bank, which has no stable name.", "production", 25),
    Wish("leo", "storefront", "images.example-cdn.net", "443/tcp", "shop",
         "Product images are resized and stored at the image CDN.", "production", 120),
    Wish("ivan", "identity", "login.microsoftonline.com", "443/tcp", "login",
         "Federated sign-in of partners against Entra.", "production", 180),
    Wish("dora", "data-platform", "sts.eu-central-1.amazonaws.com", "443/tcp", "warehouse",
         "The loader assumes its role through STS before it reads the lake.", "proved", 90),
    Wish("max", "storefront", "hooks.slack.com", "443/tcp", "search",
         "The indexer reports failed runs to the team channel.", "approved", 60),
    Wish("mo", "ml-research", "**.huggingface.co", "443/tcp", "training",
         "Notebooks pull public models and data sets for evaluation.", "review", 30, environments="development"),
    Wish("leo", "storefront", "198.51.100.0/24", "443/tcp", "shop",
         "Legacy stock service of the wholesaler, addresses only.", "review", 45),
    Wish("mo", "ml-research", "192.0.2.0/24", "any", "training",
         "Everything of the measurement network of the institute.", "rejected", 30),
    Wish("dora", "data-platform", "files.partner.example", "22/tcp", "warehouse",
         "Nightly export of the partner, over SFTP.", "changes", 90),
    Wish("mia", "payments", "status.stripe.com", "443/tcp", "checkout",
         "Show the provider's status beside failed payments.", "withdrawn", 90),
)  # fmt: skip


def is_told() -> bool:
    return EgressRequest.objects.exists()


def tell_story(say: Say) -> None:
    """Play every wish through the workflow; the workers of the running product do the pushing."""
    for wish in WISHES:
        say(f"{wish.asker} asks for {wish.destination}")
        _play(wish)
    for wish in WISHES:
        if wish.goes in {"proved", "production"}:
            say(f"proving {wish.destination}")
            _prove(wish)


def _play(wish: Wish) -> None:
    request = _ask(wish)
    if wish.goes in {"approved", "proved", "production"}:
        _approve(request)
    elif wish.goes == "rejected":
        reject_request(
            actor=person("rita"),
            request_id=request.pk,
            revision=request.revision,
            comment="A whole network on every port is more than an evaluation needs.",
            cited_rule="any-port",
            acceptable_change="Name the two services that you measure, with their ports.",
        )
    elif wish.goes == "changes":
        request_changes(
            actor=person("remy"),
            request_id=request.pk,
            revision=request.revision,
            comment="Which host key do you expect, and who rotates it?",
        )
    elif wish.goes == "withdrawn":
        withdraw_request(actor=person(wish.asker), request_id=request.pk, revision=request.revision)


def _ask(wish: Wish) -> EgressRequest:
    now = timezone.now()
    fields: dict[str, Any] = {
        "destination": wish.destination,
        "ports": wish.ports,
        "namespaces": wish.namespaces,
        "environments": wish.environments,
        "workload": wish.workload,
        "justification": wish.why,
        "expires_at": (now + timedelta(days=wish.days)).date().isoformat(),
    }
    return create_request(
        actor=person(wish.asker),
        team_id=team(wish.team).pk,
        kind=EgressRequest.Kind.ADD,
        proposal=parse_proposal(fields, at=now),
    )


def _approve(request: EgressRequest) -> None:
    """Reviewers, and where the rules ask for them a lead or a platform engineer, until no approval is missing."""
    for handle in ("rita", "remy", "pia", *_leads(request)):
        request.refresh_from_db()
        if request.state != EgressRequest.State.IN_REVIEW:
            return
        actor = person(handle)
        if actor.person_id in {request.requester_person_id, request.last_editor_person_id}:
            continue
        with suppress(NothingLeftToApprove, MayNotDecide):  # theirs are there; another role is missing
            approve_request(
                actor=actor, request_id=request.pk, revision=request.revision, effect_hash=request.effect_hash,
                comment="The vendor is known, one port, one namespace.",
            )  # fmt: skip


def _leads(request: EgressRequest) -> list[str]:
    leads = request.team.memberships.filter(kind="lead").select_related("user")
    return [membership.user.email.split("@")[0] for membership in leads]


def _prove(wish: Wish) -> None:
    entry = Entry.objects.get(revisions__destination=wish.destination, team__slug=wish.team)
    rollouts = Rollout.objects.filter(revision__entry=entry)
    wait_until(lambda: rollouts.filter(state=Rollout.State.AWAITING_PROOF).exists(), f"{entry} in non-production")
    rollout = rollouts.get()
    confirm_proof(
        actor=person("paul"),
        rollout_id=rollout.pk,
        statement="Called it from staging; the connection opened and worked.",
    )
    if wish.goes == "production":
        promote(actor=person("pia"), rollout_id=rollout.pk)
        wait_until(lambda: rollouts.filter(state=Rollout.State.COMPLETE).exists(), f"{entry} in production")


def begin_campaign(say: Say) -> None:
    """Open the quarter's review and decide the first entry in it."""
    say("opening the quarter's review")
    campaign = ensure_campaign(timezone.now())
    row = CampaignRow.objects.filter(campaign=campaign, entry__revisions__destination="images.example-cdn.net").first()
    if row is not None:
        decide_row(
            actor=person("rita"),
            row_id=row.pk,
            decision=CampaignRow.Decision.KEEP,
            new_end_at=timezone.now() + timedelta(days=180),
            note="Used daily, and the vendor was reviewed in spring.",
        )
