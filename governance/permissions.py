"""Who may ask, edit and decide. Four eyes are counted by person, never by account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from governance.errors import MayNotDecide, MayNotRequest, NothingLeftToApprove, OwnRequest
from governance.models import Approval, EgressRequest
from governance.needs import TEAM_LEAD, remaining

if TYPE_CHECKING:
    from accounts.models import Team, User

CAMPAIGN = "campaign"
_CAMPAIGN_KINDS = frozenset({EgressRequest.Kind.REVOKE, EgressRequest.Kind.RENEW})
_GLOBAL_ROLES = (Role.PLATFORM_ENGINEER, Role.SECURITY_REVIEWER)


def check_may_request(actor: User, team: Team, *, origin: str, kind: str) -> None:
    """Members and leads of the team; a campaign may ask for what its rows decided, whoever carries it out."""
    if origin == CAMPAIGN and kind in _CAMPAIGN_KINDS:
        return
    if not actor.may_act_for(team):
        raise MayNotRequest(f"You do not act for the team {team}.", details={"team": team.slug})


def check_may_edit(actor: User, request: EgressRequest) -> None:
    """The team that owns the request; it may also withdraw it."""
    if not actor.may_act_for(request.team):
        raise MayNotRequest(
            f"Only members of {request.team} may change {request}.", details={"team": request.team.slug}
        )


def roles_held(actor: User, team: Team) -> tuple[str, ...]:
    """The roles in which the account can approve for the team, rarest first; automation accounts approve nothing."""
    if not actor.is_active or actor.is_automation:
        return ()
    lead = (TEAM_LEAD,) if actor.may_lead(team) else ()
    return (*lead, *(role.value for role in _GLOBAL_ROLES if actor.has_role(role)))


def speaks_for(actor: User | None, team: Team) -> bool:
    """Whether what the account asks for has the consent of the team's lead by being asked."""
    return actor is not None and TEAM_LEAD in roles_held(actor, team)


def check_other_person(actor: User, request: EgressRequest) -> None:
    """Refuse the persons who asked for it or edited it last."""
    if actor.person_id == request.requester_person_id:
        raise OwnRequest("You asked for this yourself: another person must decide.")
    if actor.person_id == request.last_editor_person_id:
        raise OwnRequest("You edited this last: another person must decide.")


def check_may_decide(actor: User, request: EgressRequest) -> tuple[str, ...]:
    """The roles among those needed in which the account may approve, reject or ask for changes."""
    check_other_person(actor, request)
    needed = {need["role"] for need in request.needs} or {Role.SECURITY_REVIEWER.value}
    held = tuple(role for role in roles_held(actor, request.team) if role in needed)
    if not held:
        raise MayNotDecide("You hold none of the roles that this request needs.", details={"needed": sorted(needed)})
    return held


def role_to_approve_in(actor: User, request: EgressRequest, approvals: Iterable[Approval], *, wanted: str = "") -> str:
    """The role that the approval counts for: the one wanted, else the first that is still missing."""
    held = check_may_decide(actor, request)
    missing = remaining(request, approvals)
    open_roles = [role for role in held if missing.get(role)]
    if wanted and wanted not in open_roles:
        raise NothingLeftToApprove(f"No approval is missing in the role {wanted!r} that you hold.")
    if not open_roles:
        raise NothingLeftToApprove("All approvals in your roles are there already.")
    return wanted or open_roles[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """What one person may do with a request, with the reason where they may not approve: for buttons and the API."""

    may_edit: bool
    may_decide: bool
    roles: tuple[str, ...]
    blocked_because: str


def standing_of(actor: User, request: EgressRequest, approvals: Iterable[Approval]) -> Standing:
    """The same rules as the checks above, told instead of raised."""
    given = list(approvals)
    may_edit = actor.may_act_for(request.team)
    if request.state != EgressRequest.State.IN_REVIEW:
        return Standing(may_edit, False, (), "")
    try:
        held = check_may_decide(actor, request)
    except (OwnRequest, MayNotDecide) as error:
        return Standing(may_edit, False, (), error.message)
    if any(one.reviewer_person_id == actor.person_id for one in given):
        return Standing(may_edit, True, (), _("You approved this already."))
    missing = remaining(request, given)
    roles = tuple(role for role in held if missing.get(role))
    return Standing(may_edit, True, roles, "" if roles else _("All approvals in your roles are there already."))
