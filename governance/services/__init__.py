"""Every write of the workflow."""

from governance.services.decisions import approve_request, reject_request, request_changes
from governance.services.requests import create_request, edit_request, submit_request, withdraw_request
from governance.services.upkeep import lapse_unanswered, recheck_request, recheck_waiting

__all__ = [
    "approve_request",
    "create_request",
    "edit_request",
    "lapse_unanswered",
    "recheck_request",
    "recheck_waiting",
    "reject_request",
    "request_changes",
    "submit_request",
    "withdraw_request",
]
