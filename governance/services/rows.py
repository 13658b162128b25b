"""What every write of the workflow begins with: the row under its lock, and whether the caller read it as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from allowlist.models import Entry
from governance.errors import StaleRevision, UnknownRequest
from governance.models import Approval, EgressRequest
from ledger.models import LedgerEntry

CONTENT = (
    "destination",
    "ports",
    "environments",
    "cluster_labels",
    "namespaces",
    "workload",
    "accepted_widening",
    "data_class",
    "expires_at",
)
WORDS = ("justification", "ticket")


def lock_request(request_id: UUID) -> EgressRequest:
    """The request with its team, entry and people; nobody else writes it until the transaction ends."""
    request = (
        EgressRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related(
            "team",
            "requester",
            "requester_person",
            "last_editor",
            "last_editor_person",
            "entry__team",
            "entry__in_non_production",
            "entry__in_production",
        )
        .filter(pk=request_id)
        .first()
    )
    if request is None:
        raise UnknownRequest("There is no such request.")
    return request


def entry_of(entry_id: UUID) -> Entry | None:
    return Entry.objects.select_related("team", "in_non_production", "in_production").filter(pk=entry_id).first()


def standing_approvals(request: EgressRequest) -> list[Approval]:
    """The approvals that no edit has voided, with the people who gave them."""
    return list(
        request.approvals.standing()
        .filter(decision=Approval.Decision.APPROVE)
        .select_related("reviewer", "reviewer_person")
    )


def check_revision(request: EgressRequest, revision: int) -> None:
    """Refuse who read an older revision, and say who changed what since then."""
    if request.revision == revision:
        return
    edits = _edits_since(request, revision)
    raise StaleRevision(
        _told(request, edits),
        details={"current": request.revision, "read": revision, "effect_hash": request.effect_hash, "edits": edits},
    )


def _edits_since(request: EgressRequest, revision: int) -> list[dict[str, Any]]:
    entries = (
        LedgerEntry.objects.about(request)
        .filter(action__in=["request.edited", "request.effect-changed"], details__revision__gt=revision)
        .order_by("sequence")
    )
    return [
        {
            "by": entry.actor_name,
            "at": entry.recorded_at.isoformat(),
            "changed": entry.details.get("changed", {}),
            "because": entry.details.get("because", []),
        }
        for entry in entries
    ]


def _told(request: EgressRequest, edits: list[dict[str, Any]]) -> str:
    sentences = [_sentence(edit) for edit in edits]
    return " ".join([_("%(reference)s changed since you opened it.") % {"reference": request}, *sentences])


def _sentence(edit: dict[str, Any]) -> str:
    since = timesince(datetime.fromisoformat(edit["at"]), timezone.now())
    if not edit["changed"]:
        return _("%(since)s ago its effect changed: %(what)s.") % {"since": since, "what": "; ".join(edit["because"])}
    changes = "; ".join(
        f"{name.replace('_', ' ')}: {_shown(before)} → {_shown(after)}"
        for name, (before, after) in edit["changed"].items()
    )
    return _("%(who)s changed %(what)s, %(since)s ago.") % {"who": edit["by"], "what": changes, "since": since}


def _shown(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, dict):
        value = [f"{key}={word}" for key, word in sorted(value.items())]
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    return str(value) or _("nothing")
