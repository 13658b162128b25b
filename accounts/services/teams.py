"""Teams and who belongs to them."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm, remove_perm

from accounts import trail
from accounts.errors import AccountDisabled, AlreadyTaken, InvalidAccount, NotFound
from accounts.models import Membership, Team, User
from accounts.permissions import check_administers
from accounts.services.people import locked_account
from accounts.text import clean_line

# The object permissions that each place in a team brings.
RIGHTS = {Membership.Kind.MEMBER: ("act_for_team",), Membership.Kind.LEAD: ("act_for_team", "lead_team")}


@transaction.atomic
def create_team(*, actor: User | None, slug: str, name: str, contact: str = "") -> Team:
    """Make a team without members."""
    check_administers(actor)
    team = Team(slug=_clean_slug(slug), **_clean_words(name=name, contact=contact))
    try:
        with transaction.atomic():
            team.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyTaken("There is a team with this short name.", field="slug") from error
    trail.record("team.created", actor=actor, subject=team, team_id=team.pk, slug=team.slug, contact=team.contact)
    return team


@transaction.atomic
def update_team(*, actor: User, team_id: uuid.UUID, name: str, contact: str) -> Team:
    """Change how the team is called and reached; its short name stays, as links carry it."""
    check_administers(actor)
    team = _locked_team(team_id)
    before = {"name": team.name, "contact": team.contact}
    after = _clean_words(name=name, contact=contact)
    if before == after:
        return team
    team.name, team.contact = after["name"], after["contact"]
    team.save(update_fields=["name", "contact"])
    trail.record("team.updated", actor=actor, subject=team, team_id=team.pk, before=before, after=after)
    return team


@transaction.atomic
def set_membership(*, actor: User | None, team_id: uuid.UUID, user_id: uuid.UUID, kind: str) -> Membership:
    """Give the account this place in the team, with its rights on the team and no others."""
    check_administers(actor)
    team, user = _locked_team(team_id), locked_account(user_id)
    if kind not in Membership.Kind.values:
        raise InvalidAccount("There is no such place in a team.", field="kind")
    if not user.is_active:
        raise AccountDisabled("The account is disabled.")
    membership = Membership.objects.filter(team=team, user=user).first() or Membership(team=team, user=user, kind="")
    before = membership.kind
    if before == kind:
        return membership
    membership.kind = kind
    membership.save()
    _set_rights(user, team, kind)
    trail.record(
        "membership.set",
        actor=actor,
        subject=team,
        team_id=team.pk,
        person=str(user),
        person_id=str(user.pk),
        before=before,
        after=kind,
    )
    return membership


@transaction.atomic
def end_membership(*, actor: User, team_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Take the account out of the team, and every right on the team from it."""
    check_administers(actor)
    team, user = _locked_team(team_id), locked_account(user_id)
    membership = Membership.objects.filter(team=team, user=user).first()
    if membership is None:
        return
    before = membership.kind
    membership.delete()
    _set_rights(user, team, None)
    trail.record(
        "membership.ended",
        actor=actor,
        subject=team,
        team_id=team.pk,
        person=str(user),
        person_id=str(user.pk),
        before=before,
    )


def _set_rights(user: User, team: Team, kind: str | None) -> None:
    wanted = RIGHTS[Membership.Kind(kind)] if kind else ()
    for right in RIGHTS[Membership.Kind.LEAD]:
        change = assign_perm if right in wanted else remove_perm
        change(f"accounts.{right}", user, team)


def _locked_team(team_id: uuid.UUID) -> Team:
    team = Team.objects.select_for_update().filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team.")
    return team


def _clean_slug(slug: str) -> str:
    short = clean_line(slug, field="slug", max_length=63)
    try:
        validate_slug(short)
    except ValidationError as error:
        raise InvalidAccount("Lower-case letters, digits and hyphens.", field="slug") from error
    if short != short.lower():
        raise InvalidAccount("Lower-case letters, digits and hyphens.", field="slug")
    return short


def _clean_words(*, name: str, contact: str) -> dict[str, str]:
    return {
        "name": clean_line(name, field="name", max_length=120),
        "contact": clean_line(contact, field="contact", max_length=200, required=False),
    }
