"""Looking around on a cluster: what it is made of, who else writes policy there, and which dialects it speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from clusters.connection import NEEDED, NEEDED_ON_CILIUM, Report, check_rights, printable
from clusters.states import LIMITED_VERDICT
from connectors.errors import Forbidden
from connectors.kube import Dialect, KubeClient, Namespace
from connectors.kube.resources import WORKLOADS

Read = TypeVar("Read")


@dataclass(slots=True)
class Inventory:
    """What a cluster holds. ``None`` where we could not look: that is not the same as nothing."""

    namespaces: tuple[Namespace, ...] | None = None
    workloads: Counter[str] | None = None
    dialects: tuple[Dialect, ...] | None = None
    foreign: Counter[str] | None = None


def check_what_we_may(*, client: KubeClient, report: Report) -> None:
    """Add to the report whether our identity has the rights that the portal needs on this cluster."""
    dialects = _unless_forbidden(report, "dialects", client.dialects)
    speaks_cilium = any(dialect.name == "cilium" for dialect in dialects or ())
    check_rights(report, client=client, rights=NEEDED + (NEEDED_ON_CILIUM if speaks_cilium else ()))


def take_inventory(*, client: KubeClient, report: Report) -> Inventory:
    """Read everything that we may read; what we may not is a line in the report and ``None`` in the inventory."""
    inventory = Inventory(
        dialects=_unless_forbidden(report, "dialects", client.dialects),
        namespaces=_unless_forbidden(report, "namespaces", client.list_namespaces),
        workloads=_unless_forbidden(report, "workloads", lambda: _count_workloads(client)),
    )
    foreign = _unless_forbidden(report, "foreign policies", client.foreign_policies)
    if foreign is not None:
        inventory.foreign = Counter(policy.resource.kind for policy in foreign.found)
        for resource in foreign.unreadable:
            report.limit("foreign policies", f"Our identity may not list {resource}.")
    _describe(report, inventory)
    return inventory


def _unless_forbidden(report: Report, step: str, read: Callable[[], Read]) -> Read | None:
    """One thing that we may not read does not spoil the others."""
    try:
        return read()
    except Forbidden as error:
        report.limit(step, f"Not readable for our identity: {error.message}")
        return None


def _count_workloads(client: KubeClient) -> Counter[str]:
    """Workload controllers by namespace."""
    counts: Counter[str] = Counter()
    for resource in WORKLOADS:
        for one in client.list_objects(resource, metadata_only=True).items:
            counts[str((one.get("metadata") or {}).get("namespace", ""))] += 1
    return counts


def _describe(report: Report, inventory: Inventory) -> None:
    if inventory.namespaces is not None:
        report.note("namespaces", "ok", f"{len(inventory.namespaces)} namespaces.")
    if inventory.workloads is not None:
        report.note("workloads", "ok", f"{inventory.workloads.total()} workloads.")
    if inventory.dialects is not None:
        names = ", ".join(_dialect_words(dialect) for dialect in inventory.dialects)
        report.note("dialects", "ok", f"Policy dialects served: {names or 'none'}.")
    if inventory.foreign is not None:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(inventory.foreign.items()))
        report.note("foreign policies", "ok", f"Egress policies that are not ours: {listed or 'none'}.")


def _dialect_words(dialect: Dialect) -> str:
    return f"{dialect.name} {dialect.agent_version}" if dialect.agent_version else dialect.name


def verdict_of(report: Report, inventory: Inventory) -> str:
    """One sentence for whoever asked."""
    limits = [finding.detail for finding in report.findings if finding.result == "warning"]
    version = f"Kubernetes {report.version}" if report.version else "The cluster"
    seen = f", {len(inventory.namespaces)} namespaces" if inventory.namespaces is not None else ""
    if not limits:
        return printable(f"Connected: {version}{seen}.")
    return printable(f"{LIMITED_VERDICT}: {version}{seen}. {' '.join(limits)}")
