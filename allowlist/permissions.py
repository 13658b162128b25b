"""Who may do what around entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import Role
from allowlist.errors import MayNotEnrol

if TYPE_CHECKING:
    from accounts.models import User


def check_may_enrol(actor: User) -> None:
    if not actor.has_role(Role.PLATFORM_ENGINEER):
        raise MayNotEnrol("Only a platform engineer may put a namespace under default deny.")
