"""Who pushes what: rows claimed with a lease, found again when their holder has died."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from allowlist.models import DesiredNamespace
from rollouts.errors import LeaseLost
from rollouts.models import DriftFinding, NamespacePush

FIRST_DELAY_SECONDS = 2
LONGEST_DELAY_SECONDS = 300
# A row whose pusher died this often in a row is poison: it waits for a person, and the others flow.
MAX_ABANDONED = 10

State = NamespacePush.State


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one namespace until the lease runs out."""

    push_id: uuid.UUID
    token: str

    def renew(self) -> None:
        """Prolong the lease; raises ``LeaseLost`` once it has run out or somebody else holds it."""
        now = timezone.now()
        held = NamespacePush.objects.filter(
            pk=self.push_id, state=State.CLAIMED, claimed_by=self.token, lease_until__gt=now
        )
        if not held.update(lease_until=now + lease()):
            raise LeaseLost("The lease ran out; another pusher may hold this namespace now.")

    def lock(self) -> NamespacePush:
        """The row, locked inside the caller's transaction; raises ``LeaseLost`` where it is no longer ours."""
        push = NamespacePush.objects.select_for_update().get(pk=self.push_id)
        if push.state != State.CLAIMED or push.claimed_by != self.token:
            raise LeaseLost("Another pusher holds this namespace now.")
        return push


def lease() -> timedelta:
    return timedelta(seconds=settings.PUSH_LEASE_SECONDS)


def find_work(at: datetime) -> None:
    """Make every namespace due whose wanted generation has not been published, or that a person wants rewritten."""
    _ensure_rows(at)
    behind = DesiredNamespace.objects.filter(
        enforcement_point=OuterRef("enforcement_point"), namespace=OuterRef("namespace")
    )
    never_or_older = behind.filter(generation__gt=Coalesce(OuterRef("published__generation"), 0))
    asked = DriftFinding.objects.revert_asked().filter(
        enforcement_point=OuterRef("enforcement_point"), namespace=OuterRef("namespace")
    )
    NamespacePush.objects.filter(Exists(never_or_older) | Exists(asked), state=State.IDLE).update(
        state=State.DUE, due_at=at, attempts=0
    )
    # What failed or is held is tried at once when something newer is wanted: it may be the cure.
    newer = behind.filter(generation__gt=OuterRef("attempted_generation"))
    NamespacePush.objects.filter(Exists(newer), state__in=[State.FAILED, State.HELD]).update(
        state=State.DUE, due_at=at, attempts=0
    )


def _ensure_rows(at: datetime) -> None:
    known = NamespacePush.objects.filter(
        enforcement_point=OuterRef("enforcement_point"), namespace=OuterRef("namespace")
    )
    missing = DesiredNamespace.objects.filter(~Exists(known)).values_list("enforcement_point_id", "namespace_id")
    rows = [
        NamespacePush(enforcement_point_id=point, namespace_id=namespace, due_at=at, compare_due_at=at)
        for point, namespace in missing
    ]
    NamespacePush.objects.bulk_create(rows, ignore_conflicts=True)


def claim_next(*, worker: str, at: datetime, avoid: Collection[uuid.UUID] = ()) -> Claim | None:
    """The next due row, ours for the length of a lease; enforcement points in ``avoid`` are left for another time."""
    with transaction.atomic():
        due = NamespacePush.objects.claimable(at).exclude(enforcement_point_id__in=list(avoid))
        push = due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk").first()
        if push is None:
            return None
        if push.state == State.CLAIMED and push.attempts >= MAX_ABANDONED:
            _quarantine(push)
            return claim_next(worker=worker, at=at, avoid=avoid)
        push.state = State.CLAIMED
        push.claimed_by = f"{worker[:60]}:{secrets.token_hex(8)}"
        push.lease_until = timezone.now() + lease()
        push.attempts = F("attempts") + 1
        push.save(update_fields=["state", "claimed_by", "lease_until", "attempts"])
    return Claim(push.pk, push.claimed_by)


def _quarantine(push: NamespacePush) -> None:
    push.state = State.HELD
    push.held_because = _("Its pusher ended %(count)s times without a result.") % {"count": push.attempts}
    push.save(update_fields=["state", "held_because"])


def delay_after(attempts: int, *, least: float = 0) -> timedelta:
    """How long to wait before the next attempt: doubling, capped, and spread so that a herd does not return at once."""
    grown = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(attempts, 12))
    spread = grown * (0.5 + secrets.randbelow(1000) / 1000)
    return timedelta(seconds=max(least, min(spread, LONGEST_DELAY_SECONDS)))


def waiting_count(at: datetime) -> int:
    """How many rows could be claimed now."""
    return NamespacePush.objects.claimable(at).count()
