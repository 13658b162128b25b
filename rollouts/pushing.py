"""Pushing: claim, read the newest wanted state, compile, compare with the cluster, write, read back, record.

Every step may be the last one: whoever claims the row next starts again from what is true then. No transaction is open
while the network is used, and nothing is written without the lease, the newest generation and the version read.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from allowlist import generations
from allowlist.desired import Target, compile_desired
from allowlist.models import DesiredNamespace
from clusters.access import can_open, kube_client
from clusters.models import EnforcementPoint, Namespace
from connectors.errors import AlreadyExists, StaleGeneration, StaleObject
from policy.capabilities import MAX_OBJECT_BYTES
from rollouts import outcomes
from rollouts.claims import Claim, claim_next, find_work
from rollouts.errors import LeaseLost, NotReadBack, Superseded, SuspiciousShrink
from rollouts.failpoints import failpoint
from rollouts.live import LiveNamespace
from rollouts.models import Bundle, DriftFinding, NamespacePush
from rollouts.objects import Object, ObjectKey, is_base, key_of, passports_of, uid_of
from rollouts.planning import Live, Step, carried, check_not_superseded, check_shrink, plan

logger = logging.getLogger(__name__)

# How often one claim starts over because the cluster moved under it.
MAX_ROUNDS = 4
# One call ends well before the task's own limit; the next wake-up goes on with what is left.
RUN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Work:
    """What one claim has to bring about: an immutable bundle, and what the cluster had before."""

    bundle: Bundle
    enforcement_point: EnforcementPoint
    namespace: Namespace
    published: Bundle | None
    released_hash: str
    approved_deletions: frozenset[str] = field(default_factory=frozenset)

    @property
    def objects(self) -> list[Object]:
        return list(self.bundle.objects_json)

    @property
    def base(self) -> ObjectKey:
        return next(key_of(item) for item in self.objects if is_base(item))

    @property
    def published_keys(self) -> frozenset[ObjectKey]:
        return frozenset(key_of(item) for item in self.published.objects_json) if self.published else frozenset()


def push_due(worker: str, limit: int = 200, *, told: Callable[[], object] | None = None) -> int:
    """Push what is due, at most ``limit`` namespaces, and return how many were tried; ``told`` hears of each.

    A cluster that cannot be reached is left alone for the rest of the call, so that it never delays the others.
    """
    if not can_open():
        logger.error("This process holds no opening key: only the pusher may push.")
        return 0
    find_work(timezone.now())
    over_at = time.monotonic() + RUN_SECONDS
    out_of_reach: set[uuid.UUID] = set()
    for tried in range(limit):
        if time.monotonic() > over_at:
            return tried
        claim = claim_next(worker=worker, at=timezone.now(), avoid=out_of_reach)
        if claim is None:
            return tried
        failpoint("after-claim")
        lost = push_claimed(claim)
        if lost is not None:
            out_of_reach.add(lost)
        if told is not None:
            told()
    return limit


def push_claimed(claim: Claim) -> uuid.UUID | None:
    """Carry one claim to an outcome on its row; returns the enforcement point where its cluster is out of reach."""
    try:
        work = read_work(claim)
        failpoint("after-compile")
        live = _bring_about(claim, work)
        failpoint("before-record")
        outcomes.record_published(claim, work=work, live=live)
        failpoint("after-record")
    except LeaseLost as lost:
        logger.warning("Push %s given up: %s", claim.push_id, lost)
    except Superseded as error:
        outcomes.record_superseded(claim, error)
    except SuspiciousShrink as error:
        outcomes.record_held(claim, error)
    except Exception as error:  # the row must not stay claimed, and the next namespace must have its turn
        logger.exception("Push %s failed", claim.push_id)
        return outcomes.record_failed(claim, error)
    return None


def read_work(claim: Claim) -> Work:
    """The newest wanted state, compiled into the one bundle of its generation.

    The wanted row is locked meanwhile: whoever changes entries raises its generation in the same transaction, so what
    is read here belongs to the generation that it is recorded under.
    """
    with transaction.atomic():
        push = claim.lock()
        desired = DesiredNamespace.objects.select_for_update().get(
            enforcement_point_id=push.enforcement_point_id, namespace_id=push.namespace_id
        )
        point = EnforcementPoint.objects.select_related("cluster__environment").get(pk=push.enforcement_point_id)
        namespace = Namespace.objects.get(pk=push.namespace_id)
        bundle = _bundle_of(desired, point=point, namespace=namespace)
        push.attempted_generation = bundle.generation
        push.save(update_fields=["attempted_generation"])
        return Work(
            bundle=bundle,
            enforcement_point=point,
            namespace=namespace,
            published=push.published,
            released_hash=push.released_hash,
            approved_deletions=_approved_deletions(push),
        )


def _bundle_of(desired: DesiredNamespace, *, point: EnforcementPoint, namespace: Namespace) -> Bundle:
    """The bundle of the generation. Where time alone has changed what it should be, the generation grows first."""
    at = timezone.now()
    compiled = compile_desired(enforcement_point=point, namespace=namespace, at=at)
    known = Bundle.objects.filter(enforcement_point=point, namespace=namespace, generation=desired.generation).first()
    if known is not None and known.hash == compiled.hash:
        return known
    generation = desired.generation
    if known is not None:
        reason = "what is wanted changed by itself"
        generation = generations.bump([Target(point, namespace)], at=at, reason=reason)[0].generation
    return Bundle.objects.create(
        enforcement_point=point,
        namespace=namespace,
        generation=generation,
        dialect=compiled.dialect,
        template_version=compiled.template_version,
        hash=compiled.hash,
        objects_json=list(compiled.objects),
        passports=sorted(passports_of(compiled.objects)),
        fidelity={
            passport: {"verdict": one.verdict, "reason": one.reason, "witnesses": list(one.witnesses)}
            for passport, one in compiled.fidelity.items()
        },
        compiled_at=at,
    )


def _approved_deletions(push: NamespacePush) -> frozenset[str]:
    """UIDs of objects that nobody published and whose removal a person asked for."""
    asked = DriftFinding.objects.revert_asked().filter(
        enforcement_point_id=push.enforcement_point_id,
        namespace_id=push.namespace_id,
        difference=DriftFinding.Difference.EXTRA,
    )
    return frozenset(uid_of(finding.live) for finding in asked if finding.live) - {""}


def _bring_about(claim: Claim, work: Work) -> Live:
    """Write until the cluster shows the bundle, and return the reading that proves it."""
    with kube_client(work.enforcement_point.cluster) as client:
        side = LiveNamespace(client=client, namespace=work.namespace.name, dialect=work.bundle.dialect)
        side.check_identity(work.namespace.uid)
        for _round in range(MAX_ROUNDS):
            live = side.read()
            failpoint("after-read")
            steps = _plan(work, live)
            if not steps:
                failpoint("before-read-back")
                return live
            if _write(claim, work, side=side, steps=steps):
                outcomes.record_written(claim, work=work)
        raise NotReadBack(
            f"The cluster does not keep what is written there: after {MAX_ROUNDS} rounds "
            f"{', '.join(sorted({str(step.key) for step in steps}))} still differs."
        )


def _plan(work: Work, live: Live) -> tuple[Step, ...]:
    generation = work.bundle.generation
    check_not_superseded(live, generation)
    if work.bundle.hash != work.released_hash:
        before = carried(live) | frozenset(work.published.passports if work.published else ())
        check_shrink(before=before, after=work.bundle.passports)
    return plan(
        desired=work.objects,
        live=live,
        generation=generation,
        published=work.published_keys,
        approved_deletions=work.approved_deletions,
        max_bytes=MAX_OBJECT_BYTES,
    )


def _write(claim: Claim, work: Work, *, side: LiveNamespace, steps: tuple[Step, ...]) -> bool:
    """Perform the steps; false when the cluster moved meanwhile, so that the caller reads again and plans anew."""
    for number, step in enumerate(steps, start=1):
        claim.renew()
        failpoint(f"before-write-{number}")
        try:
            side.perform(step)
        except (AlreadyExists, StaleObject):
            return False
        except StaleGeneration as error:
            newest = error.details.get("live")
            raise Superseded(error.message, live_generation=int(str(newest or 0))) from error
        failpoint(f"after-write-{number}")
        if step.action == "create" and side.undo_if_overtaken(step, base=work.base, generation=work.bundle.generation):
            message = "A newer generation was published meanwhile; what this one had created was taken back."
            raise Superseded(message, live_generation=work.bundle.generation + 1)
    return True
