"""The page of one's own messages."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.callers import caller
from notifications import services
from notifications.models import Notification

PAGE_SIZE = 50


@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    """What the person was told, newest first; with ``?unread=1`` only what they have not read."""
    mine = Notification.objects.visible_to(caller(request)).order_by("-created_at", "pk")
    only_unread = request.GET.get("unread") == "1"
    page = Paginator(mine.unread() if only_unread else mine, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "notifications/list.html", {"page_obj": page, "only_unread": only_unread})


@login_required
@require_POST
def read(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Mark one message read, and go where it leads if the person asked for that."""
    message = services.mark_read(actor=caller(request), notification_id=pk)
    if "open" in request.POST and message.link:
        return redirect(message.link)
    return redirect("notifications:list")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything read."""
    services.mark_all_read(actor=caller(request))
    return redirect("notifications:list")
