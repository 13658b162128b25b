"""Errands to clusters: rows that the pusher claims with a lease, so that a lost message or worker loses nothing."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, Max, OuterRef, Q

from accounts.models import User
from clusters.connection import Report
from clusters.models import Cluster, Contact
from clusters.querysets import ClusterQuerySet
from notifications.wakeups import wake

RUN_CONTACTS = "clusters.tasks.run_contacts"
#: Longer than any worker may live with one task: whoever claims after it cannot meet the first one alive.
LEASE = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 10)
MAX_ATTEMPTS = 5
_INVENTORY_EVERY = timedelta(minutes=10)
_RETRY_EVERY = timedelta(minutes=2)
_KEPT_FOR = timedelta(days=7)
_VERDICT_LENGTH = 500
_OPEN = (Contact.State.DUE, Contact.State.RUNNING)


def open_contact(*, cluster: Cluster, kind: str, requested_by: User | None) -> tuple[Contact, bool]:
    """The open contact of this kind, made now unless there is one already; wakes the pusher. Needs a transaction."""
    contact, is_new = Contact.objects.get_or_create(
        cluster=cluster, kind=kind, state__in=_OPEN, defaults={"state": Contact.State.DUE, "requested_by": requested_by}
    )
    wake(RUN_CONTACTS)
    return contact, is_new


def claim_next(at: datetime) -> Contact | None:
    """Claim the contact that has waited longest, or one whose worker let its lease run out; ``None`` if there is none.

    Two workers never get the same one. A contact that has been tried too often is closed as failed instead.
    """
    while True:
        with transaction.atomic():
            contact = _claimable(at).select_for_update(of=("self",), skip_locked=True).first()
            if contact is None:
                return None
            if contact.attempts >= MAX_ATTEMPTS:
                _close_poisoned(contact, at=at)
                continue
            contact.state = Contact.State.RUNNING
            contact.attempts += 1
            contact.lease_until = at + LEASE
            contact.save(update_fields=["state", "attempts", "lease_until"])
            return contact


def finish(*, contact: Contact, report: Report, at: datetime) -> bool:
    """Close the contact with what was found, unless somebody else has claimed it since."""
    held = Contact.objects.filter(pk=contact.pk, state=Contact.State.RUNNING, attempts=contact.attempts)
    return bool(
        held.update(
            state=Contact.State.DONE if report.is_answer else Contact.State.FAILED,
            finished_at=at,
            lease_until=None,
            verdict=report.verdict[:_VERDICT_LENGTH],
            findings=[finding.as_json() for finding in report.findings],
        )
    )


def is_held(contact: Contact) -> bool:
    """Whether this claim is still the newest one; asked with the row locked before its findings are written."""
    return (
        Contact.objects.filter(pk=contact.pk, state=Contact.State.RUNNING, attempts=contact.attempts)
        .select_for_update()
        .exists()
    )


def close_open(*, cluster_id: uuid.UUID, verdict: str, at: datetime) -> int:
    """Close what nobody needs to know any more."""
    return Contact.objects.filter(cluster=cluster_id, state__in=_OPEN).update(
        state=Contact.State.FAILED, finished_at=at, lease_until=None, verdict=verdict[:_VERDICT_LENGTH]
    )


def schedule_inventories(at: datetime) -> int:
    """Make a contact due for every cluster whose last inventory is old enough; how many were made."""
    wanted = [
        Contact(cluster=cluster, kind=Contact.Kind.INVENTORY, state=Contact.State.DUE) for cluster in _due_clusters(at)
    ]
    # Two beats at once: the constraint on open contacts lets only one of each through.
    Contact.objects.bulk_create(wanted, ignore_conflicts=True)
    if wanted:
        wake(RUN_CONTACTS)
    return len(wanted)


def forget_old(at: datetime) -> int:
    """Drop finished contacts that nobody asked for once they are a week old; what people asked for stays."""
    old = Contact.objects.filter(requested_by=None, finished_at__lt=at - _KEPT_FOR)
    return old.delete()[0]


def _claimable(at: datetime) -> models.QuerySet[Contact]:
    lapsed = Q(state=Contact.State.RUNNING) & (Q(lease_until__lte=at) | Q(lease_until=None))
    return Contact.objects.filter(Q(state=Contact.State.DUE) | lapsed, cluster__retired_at=None).order_by(
        "requested_at"
    )


def _close_poisoned(contact: Contact, *, at: datetime) -> None:
    contact.state, contact.finished_at, contact.lease_until = Contact.State.FAILED, at, None
    contact.verdict = f"Given up: {contact.attempts} workers were lost while they tried."
    contact.save(update_fields=["state", "finished_at", "lease_until", "verdict"])


def _due_clusters(at: datetime) -> ClusterQuerySet:
    """Connected clusters every ten minutes, those that did not answer sooner; those that refuse us no sooner."""
    is_open = Contact.objects.filter(cluster=OuterRef("pk"), state__in=_OPEN)
    asked_at = Max("contacts__requested_at", filter=Q(contacts__kind=Contact.Kind.INVENTORY))
    is_waiting = Q(state=Cluster.State.UNREACHABLE, asked_at__lte=at - _RETRY_EVERY)
    is_old = Q(asked_at=None) | Q(asked_at__lte=at - _INVENTORY_EVERY)
    return (
        Cluster.objects.in_service()
        .filter(credential__isnull=False)
        .annotate(asked_at=asked_at)
        .filter(is_waiting | is_old)
        .exclude(Exists(is_open))
        .order_by(F("asked_at").asc(nulls_first=True))
    )
