"""The people of the demonstration and their teams."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from accounts.models import Membership, Role, Team, User
from accounts.services import create_person, create_team, grant_role, set_membership
from policy.errors import DomainError

DOMAIN = "demo.sallyport.invalid"
ADMINISTRATOR = "ada"
TEAMS = {
    "payments": "Payments",
    "storefront": "Storefront",
    "data-platform": "Data platform",
    "identity": "Identity",
    "ml-research": "ML research",
    "platform": "Platform",
}


@dataclass(frozen=True)
class Person:
    """Somebody of the demonstration: who they are, the global roles they hold, and their place in a team."""

    handle: str
    name: str
    roles: tuple[str, ...] = ()
    team: str = ""
    leads: bool = False


PEOPLE = (
    Person("rita", "Rita Reviewer", (Role.SECURITY_REVIEWER,)),
    Person("remy", "Remy Reviewer", (Role.SECURITY_REVIEWER,)),
    Person("pia", "Pia Platform", (Role.PLATFORM_ENGINEER,), team="platform", leads=True),
    Person("paul", "Paul Platform", (Role.PLATFORM_ENGINEER,), team="platform"),
    Person("amos", "Amos Auditor", (Role.AUDITOR,)),
    Person("lena", "Lena Lead", team="payments", leads=True),
    Person("mia", "Mia Member", team="payments"),
    Person("leo", "Leo Lead", team="storefront", leads=True),
    Person("max", "Max Member", team="storefront"),
    Person("dora", "Dora Data", team="data-platform", leads=True),
    Person("ivan", "Ivan Identity", team="identity", leads=True),
    Person("mo", "Mo Models", team="ml-research", leads=True),
)


class DemoRefused(DomainError):
    """The database holds real data."""

    code = "demo_refused"
    kind = "conflict"


def person(handle: str) -> User:
    return User.objects.get(email=f"{handle}@{DOMAIN}")


def team(slug: str) -> Team:
    return Team.objects.get(slug=slug)


def refuse_real_data() -> None:
    """Raise ``DemoRefused`` where anybody has an account who is not of the demonstration."""
    others = User.objects.exclude(email__endswith=f"@{DOMAIN}").exclude(is_automation=True)
    if others.exists():
        raise DemoRefused("This database holds real accounts; the demonstration stays away from it.")


@transaction.atomic
def ensure_people() -> bool:
    """Make the people and teams where there are none yet; whether something was made."""
    refuse_real_data()
    if User.objects.filter(email=f"{ADMINISTRATOR}@{DOMAIN}").exists():
        return False
    administrator = create_person(actor=None, email=f"{ADMINISTRATOR}@{DOMAIN}", display_name="Ada Administrator")
    grant_role(actor=None, user_id=administrator.pk, role=Role.ADMINISTRATOR)
    administrator = person(ADMINISTRATOR)
    for slug, name in TEAMS.items():
        create_team(actor=administrator, slug=slug, name=name, contact=f"#{slug}")
    for one in PEOPLE:
        _make(one, administrator=administrator)
    return True


def _make(one: Person, *, administrator: User) -> None:
    user = create_person(actor=administrator, email=f"{one.handle}@{DOMAIN}", display_name=one.name)
    for role in one.roles:
        grant_role(actor=administrator, user_id=user.pk, role=role)
    if one.team:
        kind = Membership.Kind.LEAD if one.leads else Membership.Kind.MEMBER
        set_membership(actor=administrator, team_id=team(one.team).pk, user_id=user.pk, kind=kind)
