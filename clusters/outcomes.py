"""Writing down how a cluster answered. Nothing is ever deleted because nobody answered."""

from __future__ import annotations

import uuid
from datetime import datetime

from clusters.models import Cluster
from clusters.states import STATE_AFTER, Outcome
from ledger.services import record

_REASON_LENGTH = 300
_IS_ANSWER = frozenset({Outcome.ANSWERED, Outcome.LIMITED})


def note_outcome(*, cluster_id: uuid.UUID, outcome: Outcome, reason: str, at: datetime) -> Cluster:
    """Set state, reason and since when, inside the caller's transaction; the ledger hears of changes of state only."""
    cluster: Cluster = Cluster.objects.select_for_update().get(pk=cluster_id)
    before, after = cluster.state, STATE_AFTER[outcome]
    cluster.state, cluster.state_reason = after, reason[:_REASON_LENGTH]
    if before != after:
        cluster.state_since = at
    if outcome in _IS_ANSWER:
        cluster.last_contact_at = at
    cluster.save(update_fields=["state", "state_reason", "state_since", "last_contact_at"])
    if before != after:
        record(
            f"cluster.{after}",
            actor=None,
            subject=cluster,
            team_id=cluster.owner_team_id,
            before=before,
            after=after,
            reason=cluster.state_reason,
        )
    return cluster
