"""Every write of people, teams, roles and tokens."""

from accounts.services.people import (
    change_password,
    create_automation_account,
    create_person,
    disable_account,
    enable_account,
    set_password,
    system_account,
)
from accounts.services.roles import grant_role, withdraw_role
from accounts.services.teams import create_team, end_membership, set_membership, update_team
from accounts.services.tokens import issue_token, revoke_token

__all__ = [
    "change_password",
    "create_automation_account",
    "create_person",
    "create_team",
    "disable_account",
    "enable_account",
    "end_membership",
    "grant_role",
    "issue_token",
    "revoke_token",
    "set_membership",
    "set_password",
    "system_account",
    "update_team",
    "withdraw_role",
]
