"""Who runs the fleet."""

from accounts.models import Role, User
from clusters.errors import FleetForbidden

RUNS_THE_FLEET = (Role.PLATFORM_ENGINEER, Role.ADMINISTRATOR)


def may_run_fleet(user: User) -> bool:
    """Register, edit, contact and retire clusters, and say which team answers for a namespace."""
    return any(user.has_role(role) for role in RUNS_THE_FLEET)


def check_may_run_fleet(actor: User) -> None:
    if not may_run_fleet(actor):
        raise FleetForbidden("Only platform engineers and administrators run the fleet.")
