"""Who may move bundles. The checks raise; the questions are for buttons."""

from __future__ import annotations

from accounts.models import Role, User
from rollouts.errors import NotAllowed, SamePerson
from rollouts.models import Rollout

OPERATORS = (Role.PLATFORM_ENGINEER,)
PROMOTERS = (Role.PLATFORM_ENGINEER, Role.SECURITY_REVIEWER)


def _holds_one_of(user: User, roles: tuple[Role, ...]) -> bool:
    return any(user.has_role(role) for role in roles)


def may_promote(user: User) -> bool:
    return _holds_one_of(user, PROMOTERS)


def check_may_promote(actor: User) -> None:
    if not may_promote(actor):
        raise NotAllowed("Only a platform engineer or a security reviewer may promote to production.")


def may_confirm(user: User, rollout: Rollout) -> bool:
    """Whether the user may confirm the proof: a named person of the right role, never the one who asked for it."""
    revision = rollout.revision
    has_role = may_promote(user) or user.may_lead(revision.entry.team)
    return has_role and not user.is_automation and user.person_id != revision.requested_by.person_id


def check_may_confirm(actor: User, rollout: Rollout) -> None:
    revision = rollout.revision
    if actor.is_automation:
        raise NotAllowed("A proof is confirmed by a person, not by an automation account.")
    if not (may_promote(actor) or actor.may_lead(revision.entry.team)):
        raise NotAllowed("A platform engineer, a security reviewer or a lead of the owner team confirms the proof.")
    if actor.person_id == revision.requested_by.person_id:
        raise SamePerson("Whoever asked for the change cannot confirm that it works; somebody else must look.")


def may_operate(user: User) -> bool:
    return _holds_one_of(user, OPERATORS)


def check_may_operate(actor: User) -> None:
    if not may_operate(actor):
        raise NotAllowed("Only a platform engineer may do this.")


def may_compare(user: User) -> bool:
    return _holds_one_of(user, PROMOTERS)


def check_may_compare(actor: User) -> None:
    if not may_compare(actor):
        raise NotAllowed("Only a platform engineer or a security reviewer may ask for a comparison.")


def check_may_accept(actor: User) -> None:
    """Living with a difference is a risk that security or the platform takes, not whoever made it."""
    if not may_compare(actor):
        raise NotAllowed("Only a platform engineer or a security reviewer may accept a difference.")
