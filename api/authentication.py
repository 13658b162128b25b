"""Who is calling: a person's session, or an account's token."""

from __future__ import annotations

from datetime import timedelta
from hmac import compare_digest
from typing import NoReturn

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework import authentication, exceptions

from accounts.models import ApiToken, User

LAST_USE_IS_KEPT_FOR = timedelta(minutes=1)


class TokenAuthentication(KnoxTokenAuthentication):
    """``Authorization: Bearer sp_…``: refused when unknown, expired, or when its account is disabled or its person is.

    Every refusal reads the same, so that nothing can be learnt about tokens or accounts by trying.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        secret = self._as_text(token)
        found = self._find(secret)
        if found is None or (found.expiry and found.expiry <= timezone.now()) or not found.user.is_in_use:
            self._refuse()
        self._note_use(found)
        return found.user, found

    def _as_text(self, token: bytes) -> str:
        if not token.isascii() or b"\x00" in token:
            self._refuse()
        return token.decode("ascii")

    def _find(self, secret: str) -> ApiToken | None:
        """The token whose digest matches, among those that share its public beginning."""
        digest = hash_token(secret)
        alike = ApiToken.objects.filter(token_key=secret[: CONSTANTS.TOKEN_KEY_LENGTH])
        for token in alike.select_related("user__responsible"):
            if compare_digest(digest, token.digest):
                return token
        return None

    def _note_use(self, token: ApiToken) -> None:
        """Remember the last use, written at most once a minute."""
        now = timezone.now()
        if token.last_used_at and now - token.last_used_at < LAST_USE_IS_KEPT_FOR:
            return
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USE_IS_KEPT_FOR)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)

    def _refuse(self) -> NoReturn:
        raise exceptions.AuthenticationFailed(_("The token is not valid."))


class SessionAuthentication(authentication.SessionAuthentication):
    """A signed-in person; unsafe calls need the CSRF token as on pages."""
