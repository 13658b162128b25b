"""Who decides in a campaign, and who closes one."""

from __future__ import annotations

from accounts.models import Role, User
from allowlist.models import Entry, EntryRevision
from audits.errors import MayNotClose, MayNotDecide, OwnEntry
from audits.models import CampaignRow


def check_may_decide(actor: User, row: CampaignRow) -> None:
    """A lead of the owner team or a security reviewer; a program decides nothing."""
    if actor.is_automation:
        raise MayNotDecide("A review is decided by a person, not by an automation account.")
    if not (actor.has_role(Role.SECURITY_REVIEWER) or actor.may_lead(row.team)):
        raise MayNotDecide("A lead of the owner team or a security reviewer decides this.")


def check_may_keep(actor: User, entry: Entry) -> None:
    """The person who asked for what the entry says now cannot be the one who says that it stays."""
    asked = asked_by(entry)
    if asked is not None and asked.person_id == actor.person_id:
        raise OwnEntry("You asked for this entry yourself: somebody else must decide that it stays.")


def asked_by(entry: Entry) -> User | None:
    """Who asked for the newest revision that went through the workflow; a mere extension asks for nothing new."""
    revision = (
        EntryRevision.objects.filter(entry=entry, request_id__isnull=False)
        .select_related("requested_by")
        .order_by("-number")
        .first()
    )
    return revision.requested_by if revision else None


def may_close(user: User) -> bool:
    return not user.is_automation and user.has_role(Role.SECURITY_REVIEWER)


def check_may_close(actor: User) -> None:
    if not may_close(actor):
        raise MayNotClose("Only a security reviewer may close a campaign before its deadline.")
