"""Pages on which the fleet is run: registering, changing, contacting, assigning, retiring."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from clusters import services
from clusters.forms import AccessForm, AssignmentForm, DescriptionForm, ReasonForm, RegistrationForm, show_error
from clusters.models import Contact, Namespace
from clusters.permissions import account_of, check_may_run_fleet
from clusters.views.reading import cluster_page, visible_cluster
from policy.errors import DomainError

SECRET_FIELDS = ("kubeconfig", "token", "client_key")


@login_required
@sensitive_post_parameters(*SECRET_FIELDS)
@sensitive_variables("form", "access")
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Take a cluster into the fleet."""
    check_may_run_fleet(account_of(request))
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        access = form.read_access()
        if access is not None:
            name = form.cleaned_data["name"]
            try:
                cluster = services.register_cluster(
                    actor=account_of(request), name=name, access=access, **form.description()
                )
            except DomainError as error:
                form.show_refusal(error)
            else:
                messages.success(request, _("The cluster is registered; its connection is being tested."))
                return redirect("clusters:detail", name=cluster.name)
    return _render(request, "clusters/register.html", form)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change environment, owner, labels and DNS."""
    cluster = visible_cluster(request, name)
    check_may_run_fleet(account_of(request))
    form = DescriptionForm(request.POST or None, initial=DescriptionForm.initial_of(cluster))
    if request.method == "POST" and form.is_valid():
        try:
            services.update_cluster(actor=account_of(request), cluster_id=cluster.pk, **form.description())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The cluster was changed."))
            return redirect("clusters:detail", name=cluster.name)
    return _render(request, "clusters/edit.html", form, cluster=cluster)


@login_required
@sensitive_post_parameters(*SECRET_FIELDS)
@sensitive_variables("form", "access")
@require_http_methods(["GET", "POST"])
def credential(request: HttpRequest, name: str) -> HttpResponse:
    """Put another credential in place of the present one."""
    cluster = visible_cluster(request, name)
    check_may_run_fleet(account_of(request))
    form = AccessForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        access = form.read_access()
        if access is not None:
            try:
                services.replace_credential(actor=account_of(request), cluster_id=cluster.pk, access=access)
            except DomainError as error:
                form.show_refusal(error)
            else:
                messages.success(request, _("The credential was replaced; the connection is being tested."))
                return redirect("clusters:detail", name=cluster.name)
    return _render(request, "clusters/credential.html", form, cluster=cluster)


@login_required
@require_http_methods(["GET", "POST"])
def retire(request: HttpRequest, name: str) -> HttpResponse:
    """Take a cluster out of service, after saying why."""
    cluster = visible_cluster(request, name)
    check_may_run_fleet(account_of(request))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.retire_cluster(actor=account_of(request), cluster_id=cluster.pk, **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, _("The cluster was retired and its credential destroyed."))
            return redirect("clusters:detail", name=cluster.name)
    return _render(request, "clusters/retire.html", form, cluster=cluster)


@login_required
@require_POST
def accept_identity(request: HttpRequest, name: str) -> HttpResponse:
    """Accept that another cluster answers from now on."""
    cluster, form = visible_cluster(request, name), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why another cluster may answer here from now on."))
        return cluster_page(request, cluster, status=422)
    services.accept_identity(actor=account_of(request), cluster_id=cluster.pk, **form.cleaned_data)
    messages.success(request, _("The next test pins the identity of what answers then."))
    return redirect("clusters:detail", name=cluster.name)


@login_required
@require_POST
def request_contact(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for a connection test or an inventory."""
    cluster = visible_cluster(request, name)
    kind = request.POST.get("kind", Contact.Kind.TEST)
    services.request_contact(actor=account_of(request), cluster_id=cluster.pk, kind=kind)
    return redirect("clusters:detail", name=cluster.name)


@login_required
@require_POST
def assign(request: HttpRequest, name: str, pk: uuid.UUID) -> HttpResponse:
    """Say which team answers for a namespace."""
    cluster = visible_cluster(request, name)
    check_may_run_fleet(account_of(request))
    namespace = get_object_or_404(Namespace.objects.visible_to(account_of(request)), cluster=cluster, pk=pk)
    form = AssignmentForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such team."))
        return cluster_page(request, cluster, status=422)
    team, seen = form.cleaned_data["team"], form.cleaned_data["seen"]
    services.assign_namespace(
        actor=account_of(request),
        namespace_id=namespace.pk,
        team_id=team.pk if team else None,
        seen_team_id=seen.pk if seen else None,
    )
    words = {"namespace": namespace.name, "team": team.name if team else _("nobody")}
    messages.success(request, _("%(team)s now answers for %(namespace)s.") % words)
    return redirect(f"{cluster.get_absolute_url()}#namespaces")


def _render(
    request: HttpRequest, template: str, form: AccessForm | DescriptionForm | ReasonForm, **context: object
) -> HttpResponse:
    response = render(request, template, {"form": form, **context}, status=422 if form.is_bound else 200)
    response["Cache-Control"] = "no-store"
    return response
