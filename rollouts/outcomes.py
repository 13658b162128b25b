"""What a push came to, written into its row under the claim: once, and only while the claim is still held."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from allowlist.models import DesiredNamespace
from clusters.errors import CredentialLocked, CredentialMissing, IdentityMismatch, IdentityUnknown
from clusters.models import Cluster
from clusters.outcomes import note_outcome
from clusters.states import Outcome
from connectors.errors import CredentialRefused, Forbidden, Throttled, Transient, Unreachable, Untrusted
from ledger.services import record
from notifications.services import notify
from notifications.wakeups import wake
from policy.errors import DomainError
from rollouts import targets
from rollouts.claims import Claim, delay_after
from rollouts.errors import LeaseLost, Superseded, SuspiciousShrink
from rollouts.failpoints import failpoint
from rollouts.models import DriftFinding, NamespacePush
from rollouts.objects import allows_dns, denies_by_default, uid_of
from rollouts.planning import Live

if TYPE_CHECKING:
    from rollouts.pushing import Work

State = NamespacePush.State
Difference = DriftFinding.Difference

# After these, other namespaces of the same cluster need not be tried now.
OUT_OF_REACH = (
    Transient,
    Untrusted,
    CredentialRefused,
    CredentialLocked,
    CredentialMissing,
    IdentityMismatch,
    IdentityUnknown,
)
# A refused credential heals only by a person: asking more often than this is hammering.
REFUSED_DELAY_SECONDS = 60.0

P = ParamSpec("P")
R = TypeVar("R")


def _unless_lost(outcome: Callable[P, R]) -> Callable[P, R | None]:
    """Run in one transaction; an outcome of a claim that somebody else holds now is nobody's business any more."""

    @wraps(outcome)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            with transaction.atomic():
                return outcome(*args, **kwargs)
        except LeaseLost:
            return None

    return guarded


@_unless_lost
def record_written(claim: Claim, *, work: Work) -> None:
    """The writes went through; reading back comes next."""
    claim.lock()
    targets.mark_written(work.bundle, at=timezone.now())


@_unless_lost
def record_published(claim: Claim, *, work: Work, live: Live) -> None:
    """The cluster shows the bundle: close the row, settle targets and findings, and tell the ledger once per bundle."""
    at = timezone.now()
    push = claim.lock()
    is_new = push.published_id != work.bundle.pk
    if is_new:
        push.published, push.published_at = work.bundle, at
    push.state, push.attempts, push.last_error, push.held_because = State.IDLE, 0, "", ""
    push.claimed_by, push.lease_until, push.released_hash, push.generation_ahead = "", None, "", None
    push.compared_at = at
    note_baseline(push, live=live, dns_ports=work.enforcement_point.cluster.dns_allowance.ports, at=at)
    push.save()
    targets.settle(work.bundle, at=at)
    reverted = _resolve_findings(push, live=live, at=at)
    # The ledger's lock comes after all others.
    note_reach(push.enforcement_point.cluster, None)
    if is_new:
        _tell_published(work)
    for finding in reverted:
        _tell_reverted(finding, work)
    failpoint("inside-record")
    wake("rollouts.tasks.advance")


def note_baseline(push: NamespacePush, *, live: Live, dns_ports: tuple[int, ...], at: datetime) -> None:
    """Since when deny and DNS are read back; nothing is saved."""
    denies = any(denies_by_default(item) for item in live.ours.values())
    allows = any(allows_dns(item, ports=dns_ports) for item in live.ours.values())
    push.default_deny_since = (push.default_deny_since or at) if denies else None
    push.dns_allowed_since = (push.dns_allowed_since or at) if allows else None


@_unless_lost
def record_superseded(claim: Claim, error: Superseded) -> None:
    """Try again with the newer generation; where nobody here wanted a newer one, stop and ask a person."""
    push = claim.lock()
    wanted = DesiredNamespace.objects.get(
        enforcement_point_id=push.enforcement_point_id, namespace_id=push.namespace_id
    ).generation
    if wanted >= error.live_generation:
        push.state, push.due_at = State.DUE, timezone.now() + timedelta(seconds=1)
    else:
        _hold(push, f"{error.message} Wanted here is only {wanted}: was this database restored from a backup?")
        push.generation_ahead = error.live_generation
    push.claimed_by, push.lease_until, push.last_error = "", None, error.message[:500]
    push.save()


@_unless_lost
def record_held(claim: Claim, error: SuspiciousShrink) -> None:
    """Nothing was written; a person decides."""
    push = claim.lock()
    _hold(push, error.message, removed=error.details.get("removed", []))
    push.claimed_by, push.lease_until, push.last_error = "", None, ""
    push.save()


@_unless_lost
def record_failed(claim: Claim, error: Exception) -> uuid.UUID | None:
    """Try again later; returns the enforcement point where its whole cluster is out of reach."""
    push = claim.lock()
    message = error.message if isinstance(error, DomainError) else f"Internal error ({type(error).__name__})"
    push.state, push.claimed_by, push.lease_until = State.FAILED, "", None
    push.last_error = message[:500]
    push.due_at = timezone.now() + delay_after(push.attempts, least=_least_delay(error))
    push.save()
    targets.mark_failed(push, generation=push.attempted_generation, reason=message)
    note_reach(push.enforcement_point.cluster, error)
    return push.enforcement_point_id if isinstance(error, OUT_OF_REACH) else None


def note_reach(cluster: Cluster, error: Exception | None) -> None:
    """Keep the cluster's own state in step with what was met there; inside the caller's transaction."""
    at = timezone.now()
    if isinstance(error, Unreachable | Untrusted):
        outcome = Outcome.NO_ANSWER if isinstance(error, Unreachable) else Outcome.UNTRUSTED
        note_outcome(cluster_id=cluster.pk, outcome=outcome, reason=error.message, at=at)
    elif isinstance(error, CredentialRefused):
        note_outcome(cluster_id=cluster.pk, outcome=Outcome.REFUSED, reason=error.message, at=at)
    elif error is None and cluster.state != Cluster.State.CONNECTED:
        note_outcome(cluster_id=cluster.pk, outcome=Outcome.ANSWERED, reason="", at=at)


def _least_delay(error: Exception) -> float:
    if isinstance(error, CredentialRefused | Forbidden):
        return REFUSED_DELAY_SECONDS
    return error.retry_after or 0.0 if isinstance(error, Throttled) else 0.0


def _hold(push: NamespacePush, because: str, **details: object) -> None:
    is_new = push.held_because != because[:500]
    push.state, push.held_because = State.HELD, because[:500]
    if not is_new:
        return
    cluster = push.enforcement_point.cluster
    record(
        "push.held",
        actor=None,
        subject=push,
        team_id=push.namespace.team_id,
        cluster=cluster.name,
        namespace=push.namespace.name,
        because=because,
        **details,
    )
    notify(
        recipients=User.objects.in_role(Role.PLATFORM_ENGINEER),
        topic="push-held",
        subject=f"A push to {cluster.name}/{push.namespace.name} waits for you",
        body=because,
        link=reverse("rollouts:cluster-drift", args=[cluster.name]),
        deduplication_key=f"push-held:{push.pk}:{push.attempted_generation}",
    )


def _tell_published(work: Work) -> None:
    before = set(work.published.passports) if work.published else set()
    after = set(work.bundle.passports)
    record(
        "bundle.published",
        actor=None,
        subject=work.bundle,
        team_id=work.namespace.team_id,
        cluster=work.enforcement_point.cluster.name,
        namespace=work.namespace.name,
        dialect=work.bundle.dialect,
        generation=work.bundle.generation,
        hash=work.bundle.hash,
        added=sorted(after - before),
        removed=sorted(before - after),
    )


def _resolve_findings(push: NamespacePush, *, live: Live, at: datetime) -> list[DriftFinding]:
    """What was missing or changed has been rewritten; what a person wanted away is away."""
    still_there = {uid_of(item) for item in live.ours.values()}
    findings = DriftFinding.objects.open().filter(
        enforcement_point_id=push.enforcement_point_id, namespace_id=push.namespace_id
    )
    reverted = []
    for finding in findings.exclude(difference=Difference.FOREIGN).select_for_update(of=("self",)):
        if finding.difference == Difference.EXTRA and finding.live and uid_of(finding.live) in still_there:
            continue
        finding.resolution = DriftFinding.Resolution.REVERTED
        finding.resolved_at, finding.resolved_by = at, finding.revert_asked_by
        finding.save(update_fields=["resolution", "resolved_at", "resolved_by"])
        reverted.append(finding)
    return reverted


def _tell_reverted(finding: DriftFinding, work: Work) -> None:
    record(
        "drift.reverted",
        actor=finding.revert_asked_by,
        subject=finding,
        team_id=work.namespace.team_id,
        object=f"{finding.kind}/{finding.name}",
        generation=work.bundle.generation,
    )
