"""People and teams for tests, made by the services that the pages use."""

from __future__ import annotations

from itertools import count

from accounts.models import Membership, Role, Team, User
from accounts.services import create_person, create_team, grant_role, set_membership

_numbers = count(1)


def administrator() -> User:
    """The one administrator of the test database, made on first use as a fresh installation does."""
    existing = User.objects.filter(groups__name=Role.ADMINISTRATOR).first()
    if existing:
        return existing
    user = create_person(actor=None, email="admin@example.com", display_name="Ada Admin")
    grant_role(actor=None, user_id=user.pk, role=Role.ADMINISTRATOR)
    return User.objects.get(pk=user.pk)


def person(name: str = "", *, roles: tuple[str, ...] = ()) -> User:
    name = name or f"person{next(_numbers)}"
    user = create_person(actor=administrator(), email=f"{name}@example.com", display_name=name.title())
    for role in roles:
        grant_role(actor=administrator(), user_id=user.pk, role=role)
    return User.objects.get(pk=user.pk)


def reviewer(name: str = "") -> User:
    return person(name, roles=(Role.SECURITY_REVIEWER,))


def platform_engineer(name: str = "") -> User:
    return person(name, roles=(Role.PLATFORM_ENGINEER,))


def team(slug: str = "") -> Team:
    slug = slug or f"team-{next(_numbers)}"
    return create_team(actor=administrator(), slug=slug, name=slug.title())


def lead(of: Team, name: str = "") -> User:
    return _member_as(of, name, Membership.Kind.LEAD)


def member(of: Team, name: str = "") -> User:
    return _member_as(of, name, Membership.Kind.MEMBER)


def _member_as(of: Team, name: str, kind: str) -> User:
    user = person(name)
    set_membership(actor=administrator(), team_id=of.pk, user_id=user.pk, kind=kind)
    return User.objects.get(pk=user.pk)
