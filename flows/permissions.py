"""Who decides about flow sources: those who run the fleet."""

from accounts.models import User
from clusters.permissions import may_run_fleet
from flows.errors import SourceForbidden


def check_may_manage_sources(actor: User) -> None:
    if not may_run_fleet(actor):
        raise SourceForbidden("Only platform engineers and administrators decide who may send flow records.")
