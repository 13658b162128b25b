"""Who may administer people, teams and tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group

from accounts.errors import NotPermitted
from accounts.models import ApiToken, Role, User


def check_administers(actor: User | None) -> None:
    """Administrators only, as the database says now and not as the actor was when the request began.

    Nobody at all (``None``) may act while there is no administrator yet: a fresh installation. The group is locked
    then, so that of two first administrators made at once the second sees the first.
    """
    administrators = User.objects.in_role(Role.ADMINISTRATOR)
    if actor is not None:
        if not administrators.filter(pk=actor.pk).exists():
            raise NotPermitted("Only an administrator may do this.")
        return
    lock_administrators()
    if administrators.exists():
        raise NotPermitted("There is an administrator; act as one.")


def may_administer(user: User) -> bool:
    """Whether to offer what administrators do; whether it may be done is judged by ``check_administers``."""
    return user.has_role(Role.ADMINISTRATOR)


def lock_administrators() -> None:
    """Let one transaction at a time change who administers."""
    group, _created = Group.objects.get_or_create(name=Role.ADMINISTRATOR)
    Group.objects.select_for_update().get(pk=group.pk)


def check_may_issue_for(actor: User, account: User) -> None:
    """One's own tokens, and those of an automation account one answers for; administrators for any automation account.

    Nobody issues a token for another person: it would let one person act as two.
    """
    if not actor.is_active:
        raise NotPermitted("The account is disabled.")
    if account.pk == actor.pk or (account.is_automation and account.responsible_id == actor.pk):
        return
    if not (account.is_automation and may_administer(actor)):
        raise NotPermitted("A token is issued by the person whose account it opens.")


def may_revoke(user: User, token: ApiToken) -> bool:
    return user.is_active and (user.pk in (token.user_id, token.user.responsible_id) or may_administer(user))


def check_may_pass_on(held: ApiToken, *, scopes: Iterable[str], expires_at: datetime) -> None:
    """A token issues tokens that do no more than itself and end no later."""
    if not set(scopes) <= set(held.scopes):
        raise NotPermitted("A token issues only tokens with scopes of its own.")
    if held.expiry is not None and expires_at > held.expiry:
        raise NotPermitted("A token issues only tokens that end no later than itself.")
