"""Pages of people, teams and tokens."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict[str, str]) -> HttpResponse:
    """Too many failures for this account from this address: say so, and nothing about the account."""
    return render(request, "accounts/locked_out.html", status=429)
