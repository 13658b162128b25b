"""Accounts: made, disabled, enabled again."""

from __future__ import annotations

import uuid

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts import trail
from accounts.errors import AlreadyTaken, InvalidAccount, LastAdministrator, NotFound, NotPermitted
from accounts.models import ApiToken, Role, User
from accounts.permissions import check_administers, lock_administrators
from accounts.text import clean_line

# Accounts of the product itself live under a domain that no mail reaches (RFC 2606).
SYSTEM_DOMAIN = "@sallyport.invalid"


@transaction.atomic
def create_person(*, actor: User | None, email: str, display_name: str, password: str | None = None) -> User:
    """Make a person's account. Without a password it cannot sign in by password until one is set."""
    check_administers(actor)
    user = _new_account(email=email, display_name=display_name)
    if password is not None:
        _check_password(password, user)
    user.set_password(password)
    _insert(user)
    trail.record("person.created", actor=actor, subject=user, email=user.email)
    return user


@transaction.atomic
def create_automation_account(*, actor: User | None, email: str, display_name: str, responsible: User) -> User:
    """Make an account for a program. A person answers for it and is counted in its place wherever eyes are counted."""
    check_administers(actor)
    person = User.objects.select_for_update().get(pk=responsible.pk)
    if person.is_automation or not person.is_active:
        raise InvalidAccount("An active person must answer for it.", field="responsible")
    user = _new_account(email=email, display_name=display_name)
    user.is_automation, user.responsible = True, person
    user.set_unusable_password()
    _insert(user)
    trail.record("automation-account.created", actor=actor, subject=user, email=user.email, responsible=str(person.pk))
    return user


@transaction.atomic
def system_account(*, email: str, display_name: str) -> User:
    """The product's own account of that address, made on first use: no roles, no password, no tokens, no person."""
    if not email.endswith(SYSTEM_DOMAIN):
        raise InvalidAccount(f"An account of the product itself ends in {SYSTEM_DOMAIN}.", field="email")
    user, created = User.objects.get_or_create(
        email=email, defaults={"display_name": display_name, "is_automation": True, "password": "!"}
    )
    if created:
        trail.record("system-account.created", actor=None, subject=user, email=email)
    return user


@transaction.atomic
def disable_account(*, actor: User, user_id: uuid.UUID) -> User:
    """Take everything from the account at once: its sessions, its tokens, and the programs that it answers for.

    Nothing comes back by itself: whoever enables the account again sets a new password and issues new tokens.
    """
    lock_administrators()
    check_administers(actor)
    user = locked_account(user_id)
    if not user.is_active:
        return user
    check_another_administrator(user)
    for account in (user, *user.automation_accounts.select_for_update().filter(is_active=True)):
        _close(account)
        trail.record("account.disabled", actor=actor, subject=account, because_of=str(user.pk))
    return user


@transaction.atomic
def enable_account(*, actor: User, user_id: uuid.UUID) -> User:
    """Let the account act again, without the password, sessions and tokens that it had."""
    check_administers(actor)
    user = locked_account(user_id)
    if user.is_active:
        return user
    if user.responsible is not None and not user.responsible.is_active:
        raise InvalidAccount("The person who answers for it is disabled.", field="responsible")
    user.is_active = True
    user.save(update_fields=["is_active"])
    trail.record("account.enabled", actor=actor, subject=user)
    return user


@transaction.atomic
def set_password(*, actor: User, user_id: uuid.UUID, password: str) -> User:
    """Give a person's account a password; every session of the account ends."""
    check_administers(actor)
    user = locked_account(user_id)
    if user.is_automation:
        raise InvalidAccount("A program signs in with a token.", field="password")
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    trail.record("person.password-set", actor=actor, subject=user)
    return user


@transaction.atomic
def change_password(*, actor: User, current: str, password: str) -> User:
    """Change one's own password, knowing the current one; every other session of the account ends."""
    user = locked_account(actor.pk)
    if not user.is_active or not user.check_password(current):
        raise InvalidAccount("This is not your current password.", field="current")
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    trail.record("person.password-changed", actor=user, subject=user)
    return user


def locked_account(user_id: uuid.UUID) -> User:
    user = User.objects.select_for_update(of=("self",)).select_related("responsible").filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such account.")
    return user


def check_another_administrator(user: User) -> None:
    """Refuse what would leave nobody to administer; the caller holds ``lock_administrators``."""
    administrators = User.objects.in_role(Role.ADMINISTRATOR)
    if administrators.filter(pk=user.pk).exists() and not administrators.exclude(pk=user.pk).exists():
        raise LastAdministrator("This is the last administrator; make another one first.")


def _new_account(*, email: str, display_name: str) -> User:
    address = clean_line(email, field="email", max_length=254).lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidAccount("This is not a mail address.", field="email") from error
    if address.endswith(SYSTEM_DOMAIN):
        raise NotPermitted("Addresses there belong to the product itself.")
    if User.objects.filter(email=address).exists():
        raise AlreadyTaken("There is an account with this address.", field="email")
    return User(email=address, display_name=clean_line(display_name, field="display_name", max_length=120))


def _insert(user: User) -> None:
    """Save the new account; another transaction may have taken the address since it was looked up."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyTaken("There is an account with this address.", field="email") from error


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidAccount("The password is too weak.", field="password", messages=error.messages) from error


def _close(account: User) -> None:
    """A new unusable password ends every session, as a session is bound to the password it began with."""
    account.is_active = False
    account.set_unusable_password()
    account.save(update_fields=["is_active", "password"])
    ApiToken.objects.filter(user=account).delete()
