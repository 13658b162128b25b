"""Who hears what about a request. Each message goes out once per person and revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.models import EgressRequest
from governance.needs import people_who_can
from notifications.services import notify

if TYPE_CHECKING:
    from accounts.models import User


def tell_reviewers(request: EgressRequest) -> None:
    """Everybody who could give a missing approval."""
    notify(
        recipients=people_who_can(request),
        topic="review",
        subject=_("%(reference)s waits for your review") % {"reference": request.reference},
        body=_("%(team)s asks for %(destination)s, %(ports)s.\n\n%(why)s")
        % {
            "team": request.team.name,
            "destination": request.destination,
            "ports": request.ports,
            "why": request.justification,
        },
        link=_link(request),
        deduplication_key=f"review:{request.pk}:{request.revision}",
    )


def tell_requester(request: EgressRequest, *, subject: str, body: str = "") -> None:
    """The person who asked, or who answers for the account that did."""
    notify(
        recipients=_askers(request),
        topic="request",
        subject=f"{request.reference}: {subject}",
        body=body or subject,
        link=_link(request),
        deduplication_key=f"request:{request.pk}:{request.state}:{request.revision}",
    )


def _askers(request: EgressRequest) -> list[User]:
    people = {user.pk: user for user in (request.requester_person, request.last_editor_person)}
    return [user for user in people.values() if user.is_active and not user.is_automation]


def _link(request: EgressRequest) -> str:
    return reverse("governance:request", args=[request.number])
