"""Every write of observed egress: who may send it, and what was sent."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.text import clean_line
from clusters.errors import ClusterMissing, ClusterRetired
from clusters.models import Cluster
from flows.bodies import lines_of
from flows.errors import BatchIdReused, InvalidBatchId, InvalidSource, SourceMissing, SourceNameTaken, SourceRevoked
from flows.joining import join_of
from flows.models import FlowBatch, FlowSource
from flows.permissions import check_may_manage_sources
from flows.reading import DECODERS, Reading, hour_of, read_lines
from flows.rollup import roll_up
from flows.storage import store
from flows.tokens import new_token
from ledger.services import record

_NAME_LENGTH = 80
_BATCH_ID_LENGTH = 100


@transaction.atomic
def create_source(*, actor: User, cluster_id: uuid.UUID, name: str, format: str = "hubble") -> tuple[FlowSource, str]:
    """A sender for one cluster, and its token: it is shown now and cannot be read again."""
    check_may_manage_sources(actor)
    cluster = Cluster.objects.select_for_update().filter(pk=cluster_id).first()
    if cluster is None:
        raise ClusterMissing(_("There is no such cluster."))
    if cluster.retired_at is not None:
        raise ClusterRetired(_("The cluster was retired."))
    if format not in DECODERS:
        raise InvalidSource(_("This format is not known."), details={"fields": {"format": [_("Not known.")]}})
    name = clean_line(name, field="name", max_length=_NAME_LENGTH)
    if FlowSource.objects.filter(cluster=cluster, name=name).exists():
        raise SourceNameTaken(
            _("The cluster has a source of this name."), details={"fields": {"name": [_("This name is taken.")]}}
        )
    token = new_token()
    source = FlowSource.objects.create(
        cluster=cluster,
        name=name,
        format=format,
        token_digest=token.digest,
        token_prefix=token.prefix,
        created_by=actor,
    )
    record(
        "flow-source.created",
        actor=actor,
        subject=source,
        team_id=cluster.owner_team_id,
        cluster=cluster.name,
        format=format,
        token_prefix=token.prefix,
    )
    return source, token.secret


@transaction.atomic
def revoke_source(*, actor: User, source_id: uuid.UUID) -> FlowSource:
    """Take nothing more from this sender; what it has sent stays. Revoking twice changes nothing."""
    check_may_manage_sources(actor)
    source = FlowSource.objects.select_for_update(of=("self",)).select_related("cluster").filter(pk=source_id).first()
    if source is None:
        raise SourceMissing(_("There is no such source."))
    if source.revoked_at is not None:
        return source
    source.revoked_at = timezone.now()
    source.save(update_fields=["revoked_at"])
    record(
        "flow-source.revoked",
        actor=actor,
        subject=source,
        team_id=source.cluster.owner_team_id,
        cluster=source.cluster.name,
        token_prefix=source.token_prefix,
    )
    return source


def ingest(*, source: FlowSource, body: bytes, batch_key: str = "") -> FlowBatch:
    """Take one delivery; the batch row tells what became of its lines."""
    return receive(source=source, body=body, batch_key=batch_key)[0]


def receive(*, source: FlowSource, body: bytes, batch_key: str = "") -> tuple[FlowBatch, bool]:
    """Take one delivery exactly once: the batch, and whether it is new.

    A repetition (same id, same content) changes nothing. Without an id of the sender, the content is its own id. The
    ledger hears of sources only: what a log says is an observation, and its batch row is the record of it.
    """
    now = timezone.now()
    lines = lines_of(body)
    digest = _digest(lines)
    key = _checked_key(batch_key, is_empty=not lines) or digest
    known = _known(source, key, digest)
    if known is not None:
        return known, False
    reading = read_lines(lines, decode=DECODERS[source.format], now=now)
    if not lines:
        # A sender that says “nothing happened” is alive, which silence alone would not show.
        reading.alive[hour_of(now)] += 0
    summed = roll_up(reading, entries=join_of(source.cluster))
    with transaction.atomic():
        batch = _as_batch(source, key, digest, reading, at=now)
        # A concurrent delivery of the same batch waits here for the other's end, and then finds it done.
        FlowBatch.objects.bulk_create([batch], ignore_conflicts=True)
        known = _known(source, key, digest)
        if known is None or known.pk != batch.pk:
            return known or batch, False
        _note_delivery(source, reading, at=now)
        store(source=source, summed=summed)
    return batch, True


def _digest(lines: list[bytes]) -> str:
    """The same for the same lines, however they were packed."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()


def _checked_key(batch_key: str, *, is_empty: bool) -> str:
    if is_empty and not batch_key.strip():
        raise InvalidBatchId("A batch without lines needs an id: nothing else tells two of them apart.")
    if len(batch_key) > _BATCH_ID_LENGTH or not batch_key.isascii() or not (batch_key.isprintable() or not batch_key):
        raise InvalidBatchId(f"A batch id is at most {_BATCH_ID_LENGTH} printable ASCII characters.")
    return batch_key.strip()


def _known(source: FlowSource, key: str, digest: str) -> FlowBatch | None:
    batch = FlowBatch.objects.filter(source=source, batch_key=key).first()
    if batch is not None and batch.body_digest != digest:
        raise BatchIdReused("This batch id was used for another content.", details={"batch_id": key})
    return batch


def _as_batch(source: FlowSource, key: str, digest: str, reading: Reading, *, at: datetime) -> FlowBatch:
    return FlowBatch(
        source=source,
        batch_key=key,
        body_digest=digest,
        received_at=at,
        lines=reading.lines,
        flows=len(reading.flows),
        skipped=reading.skipped.total(),
        rejected=reading.rejected.total(),
        rejections=reading.rejections,
        reasons={"skipped": dict(reading.skipped), "rejected": dict(reading.rejected)},
        oldest_flow_at=reading.oldest,
        newest_flow_at=reading.newest,
    )


def _note_delivery(source: FlowSource, reading: Reading, *, at: datetime) -> None:
    """Also locks the source, so that a revocation comes either before the batch or after it."""
    newest = (
        Greatest(Coalesce(F("newest_flow_at"), reading.newest), reading.newest)
        if reading.newest
        else F("newest_flow_at")
    )
    noted = FlowSource.objects.active().filter(pk=source.pk).update(last_batch_at=at, newest_flow_at=newest)
    if not noted:
        raise SourceRevoked("This source was revoked.")
