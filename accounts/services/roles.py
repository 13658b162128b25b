"""Global roles."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import Group
from django.db import transaction

from accounts import trail
from accounts.errors import AccountDisabled, InvalidAccount
from accounts.models import Role, User
from accounts.permissions import check_administers, lock_administrators
from accounts.services.people import check_another_administrator, locked_account

FOR_PEOPLE_ONLY = frozenset({Role.ADMINISTRATOR, Role.SECURITY_REVIEWER})


@transaction.atomic
def grant_role(*, actor: User | None, user_id: uuid.UUID, role: str) -> User:
    """Give the account a global role, effective with its next request; giving it again changes nothing."""
    check_administers(actor)
    user = locked_account(user_id)
    _check_role(role)
    if not user.is_active:
        raise AccountDisabled("The account is disabled.")
    if user.is_automation and role in FOR_PEOPLE_ONLY:
        raise InvalidAccount("This role is for people.", field="role")
    group, _created = Group.objects.get_or_create(name=role)
    if user.groups.filter(pk=group.pk).exists():
        return user
    user.groups.add(group)
    trail.record("role.granted", actor=actor, subject=user, role=role)
    return user


@transaction.atomic
def withdraw_role(*, actor: User, user_id: uuid.UUID, role: str) -> User:
    """Take the role from the account, effective with its next request; the last administrator keeps theirs."""
    lock_administrators()
    check_administers(actor)
    user = locked_account(user_id)
    _check_role(role)
    group = user.groups.filter(name=role).first()
    if group is None:
        return user
    if role == Role.ADMINISTRATOR:
        check_another_administrator(user)
    user.groups.remove(group)
    trail.record("role.withdrawn", actor=actor, subject=user, role=role)
    return user


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise InvalidAccount("There is no such role.", field="role")
