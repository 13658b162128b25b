"""Which entries in force allowed a flow, for one cluster."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from django.db.models import Count, Max, Min

from allowlist.models import Entry, EntryRevision
from clusters.models import Cluster
from policy.replay import EntryIndex, GroupedFlow, ScopedEntry

_MAX_REMEMBERED_CLUSTERS = 64


class Validity(NamedTuple):
    """From when until when an entry allows what it says."""

    entry_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class EntryJoin:
    """The entries that one cluster carries now. A flow is joined to those that were in force when it happened, with
    the content that they have now."""

    index: EntryIndex = field(default_factory=lambda: EntryIndex(()))
    validity: Mapping[str, Validity] = field(default_factory=dict)

    def join(self, flows: Iterable[tuple[GroupedFlow, datetime]]) -> Iterator[tuple[str, ...]]:
        """For each flow the passports of the entries that allowed it at its time, in the order given."""
        pairs = list(flows)
        found = self.index.join(grouped for grouped, _at in pairs)
        for (_grouped, at), (_same, passports) in zip(pairs, found, strict=True):
            yield tuple(one for one in passports if self._was_in_force(one, at)) if passports else ()

    def _was_in_force(self, passport: str, at: datetime) -> bool:
        window = self.validity[passport]
        return window.starts_at <= at < window.ends_at


class _Memory:
    """The joins of the clusters that sent last, each as long as nothing that it was made from has changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[uuid.UUID, tuple[object, EntryJoin]] = OrderedDict()

    def get(self, cluster_id: uuid.UUID, mark: object) -> EntryJoin | None:
        with self._lock:
            known = self._known.get(cluster_id)
            return known[1] if known is not None and known[0] == mark else None

    def put(self, cluster_id: uuid.UUID, mark: object, join: EntryJoin) -> None:
        with self._lock:
            self._known[cluster_id] = (mark, join)
            self._known.move_to_end(cluster_id)
            while len(self._known) > _MAX_REMEMBERED_CLUSTERS:
                self._known.popitem(last=False)


_memory = _Memory()


def join_of(cluster: Cluster) -> EntryJoin:
    """The join of a cluster, made anew when a revision was approved or promoted or a namespace changed hands."""
    owners = dict(cluster.namespaces.present().exclude(team=None).values_list("name", "team_id"))
    newest = EntryRevision.objects.aggregate(
        count=Count("pk"), approved=Max("approved_at"), promoted=Max("promoted_at")
    )
    mark = (newest, owners, cluster.labels, cluster.environment.slug, cluster.environment.tier)
    known = _memory.get(cluster.pk, mark)
    if known is not None:
        return known
    join = _build(cluster, owners)
    _memory.put(cluster.pk, mark, join)
    return join


def _build(cluster: Cluster, owners: dict[str, uuid.UUID]) -> EntryJoin:
    field_name = Entry.objects.revision_field(cluster.environment.tier)
    carried = (
        Entry.objects.filter(team__in=set(owners.values()), **{f"{field_name}__kind": EntryRevision.Kind.GRANT})
        .select_related(field_name)
        .annotate(allowed_since=Min("revisions__approved_at"))
        .order_by("passport")
    )
    scoped: list[ScopedEntry] = []
    validity: dict[str, Validity] = {}
    for entry in carried:
        revision: EntryRevision = getattr(entry, field_name)
        revision.entry = entry
        namespaces = frozenset(one for one in revision.namespaces if owners.get(one) == entry.team_id)
        if namespaces and covers_cluster(revision, cluster):
            scoped.append(ScopedEntry(revision.as_policy(), namespaces))
            validity[entry.passport] = Validity(entry.pk, entry.allowed_since, revision.expires_at)
    return EntryJoin(EntryIndex(scoped), validity)


def covers_cluster(revision: EntryRevision, cluster: Cluster) -> bool:
    """Whether the revision's environments and labels choose the cluster."""
    in_environment = not revision.environments or cluster.environment.slug in revision.environments
    return in_environment and all(cluster.labels.get(key) == value for key, value in revision.cluster_labels.items())
