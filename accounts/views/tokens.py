"""The page of one's own tokens, and of the programs one answers for."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import services
from accounts.callers import caller
from accounts.forms import TokenForm, show_error
from accounts.models import ApiToken
from policy.errors import DomainError


@login_required
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """List, and issue. The secret is in the one answer that issued it; it is stored nowhere, so nothing repeats it."""
    form = TokenForm(request.POST or None, user=caller(request))
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = services.issue_token(
                actor=caller(request),
                user_id=form.cleaned_data["account"].pk,
                label=form.cleaned_data["label"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at,
            )
        except DomainError as error:
            show_error(form, error)
        else:
            return _page(request, TokenForm(user=caller(request)), issued=token, secret=secret, status=201)
    return _page(request, form, status=422 if form.is_bound else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """End a token now."""
    services.revoke_token(actor=caller(request), token_id=pk)
    messages.success(request, _("The token was revoked."))
    return redirect("accounts:tokens")


def _page(
    request: HttpRequest, form: TokenForm, *, status: int, issued: ApiToken | None = None, secret: str = ""
) -> HttpResponse:
    held = ApiToken.objects.held_by(caller(request)).select_related("user")
    context = {"form": form, "tokens": held, "issued": issued, "secret": secret, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context, status=status)
