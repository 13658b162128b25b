"""Writing down what an inventory saw. Namespaces that are gone stay as rows; nothing is deleted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import re2

from clusters.connection import Report
from clusters.models import Cluster, EnforcementPoint, Namespace
from clusters.survey import Inventory
from connectors.kube import Dialect
from connectors.kube import Namespace as SeenNamespace
from ledger.services import record
from policy.errors import InvalidSelector
from policy.selectors import check_label_key, check_label_value

_NAME = re2.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ALWAYS_THERE = "kube-system"
_NAMED_IN_LEDGER = 50
_MAX_KINDS = 40


def apply_report(*, cluster: Cluster, report: Report) -> None:
    """The facts of any contact that was answered; the first one pins the cluster's identity."""
    if report.version:
        cluster.version = report.version
    is_first = not cluster.identity
    if is_first:
        cluster.identity = report.identity
    cluster.save(update_fields=["version", "identity"])
    if is_first:
        record(
            "cluster.identity-pinned",
            actor=None,
            subject=cluster,
            team_id=cluster.owner_team_id,
            identity=cluster.identity,
        )


def apply_inventory(*, cluster: Cluster, inventory: Inventory, at: datetime) -> None:
    """Bring the rows in step with what was seen; what could not be read leaves its rows as they were."""
    changes: dict[str, list[str]] = {}
    if inventory.namespaces is not None:
        changes = _apply_namespaces(cluster, inventory.namespaces, inventory.workloads, at=at)
    if inventory.workloads is not None:
        cluster.workload_count = inventory.workloads.total()
    if inventory.foreign is not None:
        cluster.foreign_policies = dict(inventory.foreign.most_common(_MAX_KINDS))
    if inventory.dialects is not None:
        changes |= _apply_dialects(cluster, inventory.dialects, at=at)
    cluster.inventoried_at = at
    cluster.save(update_fields=["workload_count", "foreign_policies", "inventoried_at"])
    if any(changes.values()):
        named = {what: names[:_NAMED_IN_LEDGER] for what, names in changes.items() if names}
        counts = {f"{what}_count": len(names) for what, names in changes.items() if names}
        record("cluster.inventoried", actor=None, subject=cluster, team_id=cluster.owner_team_id, **named, **counts)


def _apply_namespaces(
    cluster: Cluster, seen: tuple[SeenNamespace, ...], workloads: Counter[str] | None, *, at: datetime
) -> dict[str, list[str]]:
    known = {namespace.name: namespace for namespace in cluster.namespaces.select_for_update()}
    usable = {one.name: one for one in seen if _NAME.fullmatch(one.name) and one.uid.isprintable()}
    changes: dict[str, list[str]] = {"found": [], "gone": [], "recreated": []}
    rows = [_as_seen(cluster, known.get(name), one, workloads, changes) for name, one in sorted(usable.items())]
    if _ALWAYS_THERE in usable:
        # Without kube-system the list cannot be whole, and what is missing from it says nothing.
        rows += _gone(known, usable, changes, at=at)
    Namespace.objects.bulk_create([row for row in rows if row._state.adding])
    Namespace.objects.bulk_update(
        [row for row in rows if not row._state.adding],
        ["uid", "labels", "workload_count", "gone_at"],
        batch_size=500,
    )
    return changes


def _as_seen(
    cluster: Cluster,
    row: Namespace | None,
    seen: SeenNamespace,
    workloads: Counter[str] | None,
    changes: dict[str, list[str]],
) -> Namespace:
    if row is None:
        row = Namespace(cluster=cluster, name=seen.name, uid="")
        changes["found"].append(seen.name)
    elif row.uid != seen.uid[:64]:
        changes["recreated"].append(seen.name)
    elif row.gone_at is not None:
        changes["found"].append(seen.name)
    row.uid, row.labels, row.gone_at = seen.uid[:64], _usable_labels(seen.labels), None
    if workloads is not None:
        row.workload_count = workloads[seen.name]
    return row


def _gone(
    known: dict[str, Namespace], usable: dict[str, SeenNamespace], changes: dict[str, list[str]], *, at: datetime
) -> list[Namespace]:
    gone = [row for name, row in known.items() if name not in usable and row.gone_at is None]
    for row in gone:
        row.gone_at = at
        changes["gone"].append(row.name)
    return gone


def _usable_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels as Kubernetes takes them; a server that sends anything else is not believed."""
    usable = {}
    for key, value in labels.items():
        try:
            usable[check_label_key(str(key))] = check_label_value(str(value))
        except InvalidSelector:
            continue
    return usable


def _apply_dialects(cluster: Cluster, dialects: tuple[Dialect, ...], *, at: datetime) -> dict[str, list[str]]:
    """The in-cluster enforcement point speaks Cilium's dialect where its policies are served, else the plain one."""
    cilium = next((dialect for dialect in dialects if dialect.name == "cilium"), None)
    name, version = ("cilium", (cilium.agent_version or "")[:40]) if cilium else ("networkpolicy", "")
    point = EnforcementPoint.objects.filter(cluster=cluster, layer=EnforcementPoint.Layer.CLUSTER).first()
    if point is None:
        EnforcementPoint.objects.create(cluster=cluster, dialect=name, dialect_version=version, found_at=at)
        return {"dialect": [name]}
    # An agent that we could not see this time has not lost its version.
    version = version or (point.dialect_version if point.dialect == name else "")
    if (point.dialect, point.dialect_version) == (name, version):
        return {}
    before = f"{point.dialect} {point.dialect_version}".strip()
    point.dialect, point.dialect_version, point.found_at = name, version, at
    point.save(update_fields=["dialect", "dialect_version", "found_at"])
    return {"dialect": [before, f"{name} {version}".strip()]}
