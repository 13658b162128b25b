"""Tokens of the REST API: shown once, kept as a digest, with scopes and an end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from accounts import trail
from accounts.errors import AccountDisabled, InvalidAccount, NotFound, TooManyTokens
from accounts.models import ApiToken, Scope, User
from accounts.permissions import check_may_issue_for, may_revoke
from accounts.services.people import locked_account
from accounts.text import clean_line

LONGEST_LIFE = timedelta(days=366)
MOST_TOKENS = 30


@transaction.atomic
def issue_token(
    *, actor: User, user_id: uuid.UUID, label: str, scopes: Iterable[str], expires_at: datetime
) -> tuple[ApiToken, str]:
    """Make a token for the account; the second value is the secret, which exists nowhere else afterwards."""
    account = locked_account(user_id)
    check_may_issue_for(actor, account)
    if not account.is_in_use:
        raise AccountDisabled("The account is disabled.")
    now = timezone.now()
    _check_end(expires_at, now=now)
    if ApiToken.objects.filter(user=account).usable(now).count() >= MOST_TOKENS:
        raise TooManyTokens(f"An account carries at most {MOST_TOKENS} tokens; revoke one first.")
    digest, secret = get_digest_token()
    token = ApiToken(
        digest=digest,
        token_key=secret[: CONSTANTS.TOKEN_KEY_LENGTH],
        user=account,
        label=clean_line(label, field="label", max_length=100),
        scopes=_clean_scopes(scopes),
        expiry=expires_at,
    )
    token.save(force_insert=True)
    _record("token.issued", actor=actor, token=token)
    return token, secret


@transaction.atomic
def revoke_token(*, actor: User, token_id: uuid.UUID) -> None:
    """End the token now. A token that the actor may not revoke does not exist for them."""
    token = ApiToken.objects.select_for_update(of=("self",)).select_related("user").filter(id=token_id).first()
    if token is None or not may_revoke(actor, token):
        raise NotFound("There is no such token.")
    _record("token.revoked", actor=actor, token=token)
    token.delete()


def _check_end(expires_at: datetime, *, now: datetime) -> None:
    if timezone.is_naive(expires_at):
        raise InvalidAccount("The end needs a time zone.", field="expires_at")
    if not now < expires_at <= now + LONGEST_LIFE:
        raise InvalidAccount(f"The end must lie within the next {LONGEST_LIFE.days} days.", field="expires_at")


def _clean_scopes(scopes: Iterable[str]) -> list[str]:
    chosen = set(scopes)
    if not chosen or not chosen <= set(Scope.values):
        raise InvalidAccount("Choose at least one scope, and only existing ones.", field="scopes")
    return [scope for scope in Scope.values if scope in chosen]


def _record(action: str, *, actor: User, token: ApiToken) -> None:
    """The account is the subject: a token's own key is the digest of its secret and stays out of the trail."""
    trail.record(
        action,
        actor=actor,
        subject=token.user,
        token_id=str(token.id),
        label=token.label,
        prefix=token.prefix,
        scopes=list(token.scopes),
        expires_at=token.expiry,
    )
