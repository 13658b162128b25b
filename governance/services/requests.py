"""The requester's verbs: ask, edit, submit, withdraw."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Team, User
from allowlist.models import Entry
from allowlist.proposals import MAX_JUSTIFICATION, Proposal
from governance.errors import EntryNotInForce, InvalidRequest, OpenRequestExists, UnknownTeam
from governance.models import EgressRequest
from governance.notices import tell_requester, tell_reviewers
from governance.numbers import next_number
from governance.permissions import check_may_edit, check_may_request
from governance.services.reviewing import bind, check_submittable, judge_request, put_in_review, void_approvals
from governance.services.rows import CONTENT, WORDS, check_revision, entry_of, lock_request
from governance.states import next_state
from ledger.services import record

_Kind = EgressRequest.Kind
DEFAULT_REASON = "The entry is no longer needed."
ORIGINS = ("page", "api", "denied-flow", "campaign", "command")


@transaction.atomic
def create_request(
    *,
    actor: User,
    team_id: UUID,
    kind: str,
    proposal: Proposal | None = None,
    entry_id: UUID | None = None,
    origin: str = "page",
    submit: bool = True,
    justification: str = "",
    at: datetime | None = None,
) -> EgressRequest:
    """Ask for a new entry or for a change of one, as a draft or straight before the reviewers.

    A revocation takes its content from the entry and needs no proposal; a renewal may change the end and the words
    only. ``justification`` says why, where no proposal does.
    """
    at = at or timezone.now()
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        raise UnknownTeam("There is no such team.")
    if kind not in _Kind.values or origin not in ORIGINS:
        raise InvalidRequest("There is no such kind of request, or no such origin.")
    check_may_request(actor, team, origin=origin, kind=kind)
    entry = _entry_to_change(kind, entry_id=entry_id, team=team, at=at)
    content = _content(kind, entry=entry, proposal=proposal, justification=justification)
    request = _insert(actor=actor, team=team, kind=kind, entry=entry, proposal=content, origin=origin)
    record(
        "request.created",
        actor=actor,
        subject=request,
        kind=kind,
        requested_through=origin,
        entry=entry.passport if entry else None,
        **content.columns(),
    )
    if submit:
        put_in_review(request, actor=actor, at=at)
    return request


@transaction.atomic
def edit_request(
    *, actor: User, request_id: UUID, revision: int, proposal: Proposal, at: datetime | None = None
) -> EgressRequest:
    """Change what is asked for. Another effect voids every approval; a corrected reason or ticket voids none.

    The editor can no longer approve, and an approval that the editor's person gave before does not stand any more.
    """
    at = at or timezone.now()
    request = lock_request(request_id)
    check_may_edit(actor, request)
    check_revision(request, revision)
    request.state = next_state("edit", request.state)
    content = _content(request.kind, entry=request.entry, proposal=proposal, justification="")
    changed = _changed(request, content)
    if not changed:
        return request
    _apply(request, content, actor=actor, at=at)
    void_approvals(request, because=f"{actor} edited the request", at=at, person=request.last_editor_person)
    request.save()
    record("request.edited", actor=actor, subject=request, revision=request.revision, changed=changed)
    if request.state == EgressRequest.State.IN_REVIEW:
        tell_reviewers(request)
    return request


@transaction.atomic
def submit_request(
    *, actor: User, request_id: UUID, revision: int | None = None, at: datetime | None = None
) -> EgressRequest:
    """Put a draft, or a request that was sent back, before the reviewers."""
    at = at or timezone.now()
    request = lock_request(request_id)
    check_may_edit(actor, request)
    if revision is not None:
        check_revision(request, revision)
    next_state("submit", request.state)
    put_in_review(request, actor=actor, at=at)
    return request


@transaction.atomic
def withdraw_request(
    *, actor: User, request_id: UUID, revision: int | None = None, at: datetime | None = None
) -> EgressRequest:
    """Take the request back; it stays readable and can be asked for again."""
    at = at or timezone.now()
    request = lock_request(request_id)
    check_may_edit(actor, request)
    if revision is not None:
        check_revision(request, revision)
    request.state = next_state("withdraw", request.state)
    request.decided_at = at
    request.save(update_fields=["state", "decided_at"])
    record("request.withdrawn", actor=actor, subject=request, revision=request.revision)
    if request.requester_person_id != actor.person_id:
        tell_requester(request, subject=f"withdrawn by {actor}")
    return request


def _entry_to_change(kind: str, *, entry_id: UUID | None, team: Team, at: datetime) -> Entry | None:
    if kind == _Kind.ADD:
        if entry_id is not None:
            raise InvalidRequest("A request to add names no entry.")
        return None
    entry = entry_of(entry_id) if entry_id is not None else None
    if entry is None or entry.team_id != team.pk:
        raise InvalidRequest(f"{team} has no such entry.")
    if not entry.is_in_force(at):
        raise EntryNotInForce(f"{entry.passport} is not in force any more; ask for it anew.")
    return entry


def _content(kind: str, *, entry: Entry | None, proposal: Proposal | None, justification: str) -> Proposal:
    """What the request says; where the entry decides part of it, a proposal that says otherwise is refused."""
    if kind in (_Kind.ADD, _Kind.MODIFY) or entry is None:
        if proposal is None:
            raise InvalidRequest("Say what is asked for.")
        return proposal
    current = Proposal.of_revision(entry.latest)
    if kind == _Kind.REVOKE:
        why = proposal.justification if proposal else justification or DEFAULT_REASON
        return replace(current, justification=why[:MAX_JUSTIFICATION], ticket=proposal.ticket if proposal else "")
    if proposal is None:
        raise InvalidRequest("A renewal names the new end.")
    renewed = replace(
        current, expires_at=proposal.expires_at, justification=proposal.justification, ticket=proposal.ticket
    )
    if renewed != proposal:
        raise InvalidRequest("A renewal changes the end and the words only; ask for a change instead.")
    return renewed


def _insert(
    *, actor: User, team: Team, kind: str, entry: Entry | None, proposal: Proposal, origin: str
) -> EgressRequest:
    open_one = EgressRequest.objects.open().filter(entry=entry).exclude(kind=_Kind.ADD) if entry else None
    if open_one is not None and (known := open_one.first()):
        raise _already_open(entry, known)
    try:
        # A savepoint: two people may ask at the same moment, and the constraint decides between them.
        with transaction.atomic():
            return EgressRequest.objects.create(
                number=next_number(),
                kind=kind,
                team=team,
                entry=entry,
                requester=actor,
                requester_person=actor.responsible or actor,
                last_editor=actor,
                last_editor_person=actor.responsible or actor,
                origin=origin,
                **proposal.columns(),
            )
    except IntegrityError as error:
        if entry is None or "one_open_request_per_entry" not in str(error):
            raise
        raise _already_open(entry, None) from error


def _already_open(entry: Entry | None, known: EgressRequest | None) -> OpenRequestExists:
    which = str(known) if known else "another request"
    return OpenRequestExists(
        f"{which} for a change of {entry} is still open: decide or withdraw it first.",
        details={"request": known.number if known else None},
    )


def _changed(request: EgressRequest, content: Proposal) -> dict[str, list[Any]]:
    """Column → before and after, for those that differ."""
    columns = content.columns()
    return {
        name: [getattr(request, name), columns[name]]
        for name in (*CONTENT, *WORDS)
        if getattr(request, name) != columns[name]
    }


def _apply(request: EgressRequest, content: Proposal, *, actor: User, at: datetime) -> None:
    for name, value in content.columns().items():
        setattr(request, name, value)
    request.revision += 1
    request.last_editor = actor
    request.last_editor_person = actor.responsible or actor
    if request.effect_hash:
        _bind_again(request, actor=actor, at=at)


def _bind_again(request: EgressRequest, *, actor: User, at: datetime) -> None:
    """What stands before reviewers is refused at once if nothing could come of it; what was sent back is not yet."""
    judgement = judge_request(request, at=at)
    if request.state == EgressRequest.State.IN_REVIEW:
        check_submittable(judgement)
    bind(request, judgement, because=f"{actor} changed what is asked for", at=at)
