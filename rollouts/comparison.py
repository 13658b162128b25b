"""Comparing what lies on a cluster with what was published there, and with what is approved now."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from allowlist.desired import compile_desired
from clusters.access import can_open, kube_client
from clusters.models import EnforcementPoint
from connectors.kube import KubeClient
from connectors.kube.ownership import Change, last_change, last_foreign_change
from policy.errors import DomainError
from rollouts import findings, outcomes
from rollouts.differences import differences, in_words
from rollouts.live import LiveNamespace
from rollouts.models import Bundle, DriftFinding, NamespacePush
from rollouts.objects import Object, ObjectKey, by_key, essence, is_our_mark, key_of, opens_egress, stamped
from rollouts.planning import Live

logger = logging.getLogger(__name__)

BATCH = 200
# One call ends well before the task's own limit; what it had taken and not reached is due again at once.
RUN_SECONDS = 180
# How soon a comparison that could not be made is tried again, at the earliest.
RETRY_SECONDS = 60

Difference = DriftFinding.Difference


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not as published: what differs, in words, with the sides to show beside each other."""

    key: ObjectKey
    difference: str
    reason: str
    published: Object | None = None
    live: Object | None = None
    fields: list[dict[str, Any]] = field(default_factory=list)
    change: Change | None = None


def compare_due(worker: str = "", limit: int = BATCH) -> int:
    """Compare the namespaces whose time has come, cluster by cluster; returns how many were compared."""
    if not can_open():
        logger.error("This process holds no opening key: only the pusher may compare.")
        return 0
    compared = 0
    over_at = time.monotonic() + RUN_SECONDS
    for point_id, push_ids in _claim(timezone.now(), limit=limit).items():
        if time.monotonic() > over_at:
            NamespacePush.objects.filter(pk__in=push_ids).update(compare_due_at=timezone.now())
            continue
        compared += _compare_point(point_id, push_ids)
    return compared


def _claim(at: datetime, *, limit: int) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Take due rows by moving their next time on; one whose comparer dies comes round again."""
    claimed: dict[uuid.UUID, list[uuid.UUID]] = {}
    with transaction.atomic():
        due = NamespacePush.objects.compare_due(at).select_for_update(skip_locked=True, of=("self",))
        for push in due.order_by("compare_due_at")[:limit]:
            claimed.setdefault(push.enforcement_point_id, []).append(push.pk)
        taken = [key for keys in claimed.values() for key in keys]
        interval = timedelta(seconds=settings.COMPARE_EVERY_SECONDS)
        NamespacePush.objects.filter(pk__in=taken).update(compare_due_at=at + interval)
    return claimed


def _compare_point(point_id: uuid.UUID, push_ids: list[uuid.UUID]) -> int:
    """Compare several namespaces of one cluster over one connection; one that cannot be reached delays nobody else."""
    point = EnforcementPoint.objects.select_related("cluster__environment").get(pk=point_id)
    compared = 0
    try:
        with kube_client(point.cluster) as client:
            for push_id in push_ids:
                compared += _compare_safely(push_id, point=point, client=client)
    except outcomes.OUT_OF_REACH as error:
        logger.warning("Cluster %s cannot be compared: %s", point.cluster.name, error)
        with transaction.atomic():
            outcomes.note_reach(point.cluster, error)
        again = timezone.now() + timedelta(seconds=min(RETRY_SECONDS, settings.COMPARE_EVERY_SECONDS))
        NamespacePush.objects.filter(pk__in=push_ids).update(compare_due_at=again)
    return compared


def _compare_safely(push_id: uuid.UUID, *, point: EnforcementPoint, client: KubeClient) -> int:
    """One namespace; what is wrong with it alone is noted on its row and stops no other."""
    try:
        return int(compare_namespace(push_id, point=point, client=client))
    except outcomes.OUT_OF_REACH:
        raise
    except DomainError as error:
        NamespacePush.objects.filter(pk=push_id).update(last_error=error.message[:500])
        return 0


def compare_namespace(push_id: uuid.UUID, *, point: EnforcementPoint, client: KubeClient) -> bool:
    """Compare one namespace and bring its findings up to date; false when a push overtook the comparison."""
    push = NamespacePush.objects.select_related("namespace", "published").get(pk=push_id)
    if push.published is None:
        return False
    side = LiveNamespace(client=client, namespace=push.namespace.name, dialect=push.published.dialect)
    side.check_identity(push.namespace.uid)
    live = side.read()
    at = timezone.now()
    found = list(compare(push.published, live))
    approved = _approved(point, push, at=at) if found else {}
    with transaction.atomic():
        locked = NamespacePush.objects.select_for_update().get(pk=push_id)
        if locked.published_id != push.published_id or locked.state not in findings.COMPARABLE:
            return False
        locked.compared_at, locked.last_error = at, ""
        outcomes.note_baseline(locked, live=live, dns_ports=point.cluster.dns_allowance.ports, at=at)
        locked.save(update_fields=["compared_at", "last_error", "default_deny_since", "dns_allowed_since"])
        findings.bring_up_to_date(locked, found, approved=approved, at=at)
    return True


def _approved(point: EnforcementPoint, push: NamespacePush, *, at: datetime) -> dict[ObjectKey, Object]:
    """The objects as the approved entries compile now: the third side of a finding."""
    bundle = compile_desired(enforcement_point=point, namespace=push.namespace, at=at)
    return by_key(bundle.objects)


def compare(published: Bundle, live: Live) -> Iterator[Finding]:
    """Every difference between a published bundle and a complete reading, each with its reason. Pure."""
    wanted = {key_of(item): stamped(item, published.generation) for item in published.objects_json}
    for key, item in wanted.items():
        found = live.ours.get(key) or live.foreign.get(key)
        if found is None:
            reason = f"{key} was published and is not on the cluster any more."
            yield Finding(key, Difference.MISSING, reason, published=item)
            continue
        changed = differences(item, found)
        if changed:
            yield Finding(
                key,
                Difference.CHANGED,
                f"{key} is not as it was published: {in_words(changed)}.",
                published=item,
                live=shown(found),
                fields=[one.as_json() for one in changed],
                change=last_foreign_change(found),
            )
    yield from _surplus(wanted, live)


def _surplus(wanted: dict[ObjectKey, Object], live: Live) -> Iterator[Finding]:
    for key, item in live.ours.items():
        if key not in wanted:
            reason = f"{key} carries our label or field manager, but no bundle holds it: nobody approved what it opens."
            yield Finding(key, Difference.EXTRA, reason, live=shown(item), change=last_change(item))
    for key, item in live.foreign.items():
        if key not in wanted and opens_egress(item):
            reason = f"{key} is somebody else's and allows egress. Policies add up: it lets out more than entries do."
            yield Finding(key, Difference.FOREIGN, reason, live=shown(item), change=last_change(item))


def shown(item: Object) -> Object:
    """The live side as it is kept: the policy, our marks, and what identifies this very object."""
    metadata = item["metadata"]
    kept = essence(item)
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if not is_our_mark(key)}
    kept["metadata"]["labels"] |= {key: str(value)[:200] for key, value in sorted(labels.items())[:50]}
    kept["metadata"]["uid"] = metadata.get("uid", "")
    return kept
