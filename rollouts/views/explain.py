"""The page that answers: may this flow leave, and why."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from clusters.models import Cluster
from policy.errors import DomainError
from rollouts.explaining import explain as explain_flow
from rollouts.forms import ExplainForm
from rollouts.looks import VERDICT_LOOKS


@login_required
@require_GET
def explain(request: HttpRequest) -> HttpResponse:
    """A question in the address, and its answer below the form."""
    asked = any(request.GET.get(name) for name in ExplainForm.base_fields)
    form = ExplainForm(request.GET if asked else None)
    context: dict[str, object] = {"form": form, "clusters": Cluster.objects.visible_to(request.user).in_service()[:500]}
    status = 200
    if asked and form.is_valid():
        try:
            answer = explain_flow(user=request.user, **form.cleaned_data)
            context |= {"answer": answer, "look": VERDICT_LOOKS[answer.verdict]}
        except DomainError as error:
            field = str(error.details.get("field", ""))
            form.add_error(field if field in form.fields else None, error.message)
    if asked and form.errors:
        status = 422
    return render(request, "rollouts/explain.html", context, status=status)
