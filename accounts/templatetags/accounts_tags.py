"""How accounts read on pages."""

from __future__ import annotations

from typing import TypedDict

from django import template
from django.utils.translation import gettext as _

from accounts.models import Role, Scope, User

register = template.Library()


class State(TypedDict):
    tone: str
    icon: str
    word: str


@register.filter
def role_word(name: str) -> str:
    """The role's name in the reader's language."""
    return str(Role(name).label) if name in Role.values else name


@register.filter
def scope_word(name: str) -> str:
    """The scope in the reader's language."""
    return str(Scope(name).label) if name in Scope.values else name


@register.simple_tag
def account_state(user: User) -> State:
    """Tone, icon and word for what the account is."""
    if not user.is_active:
        return State(tone="danger", icon="ban", word=_("Disabled"))
    if user.is_automation:
        return State(tone="info", icon="settings", word=_("Automation"))
    return State(tone="success", icon="user-check", word=_("Active"))
