"""Every write to the fleet that a person asks for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Team, User
from accounts.text import clean_line
from clusters import contacts
from clusters.access import address_policy
from clusters.credentials import seal_access, sealing_key
from clusters.definitions import checked_dns, checked_labels, checked_name
from clusters.errors import (
    ClusterMissing,
    ClusterNameTaken,
    ClusterRetired,
    InvalidCluster,
    NamespaceMissing,
    NamespaceReassigned,
)
from clusters.models import Cluster, ClusterCredential, Contact, Environment, Namespace
from clusters.permissions import check_may_run_fleet
from connectors.access import ClusterAccess, ServerUrl
from connectors.errors import RefusedAddress, Unreachable
from ledger.services import record

_UNSET = object()
_LOOKUP_SECONDS = 3.0
_REASON_LENGTH = 500


def register_cluster(
    *,
    actor: User,
    name: str,
    environment_id: uuid.UUID,
    owner_team_id: uuid.UUID,
    access: ClusterAccess,
    labels: Mapping[str, str],
    dns: Mapping[str, object] | None = None,
) -> Cluster:
    """Take a cluster into the fleet, seal its credential and open a connection test; nothing is sent from here."""
    check_may_run_fleet(actor)
    sealing_key()
    wanted = {"name": checked_name(name), "labels": checked_labels(labels), "dns": checked_dns(dns or {})}
    check_address(access.server)
    with transaction.atomic():
        environment = _environment(environment_id)
        cluster = _create(
            actor=actor,
            environment=environment,
            owner_team=_team(owner_team_id, field="owner_team"),
            server=str(access.server),
            ca_certificate=access.ca_pem,
            **wanted,
        )
        credential = seal_access(cluster=cluster, access=access, actor=actor)
        record(
            "cluster.registered",
            actor=actor,
            subject=cluster,
            team_id=owner_team_id,
            environment=environment.slug,
            server=cluster.server,
            labels=cluster.labels,
            dns=cluster.dns,
            credential=_described(credential),
        )
        contacts.open_contact(cluster=cluster, kind=Contact.Kind.TEST, requested_by=actor)
    return cluster


def replace_credential(*, actor: User, cluster_id: uuid.UUID, access: ClusterAccess) -> ClusterCredential:
    """Put another address, authority and key in place of the present ones; the pinned identity stays what it is."""
    check_may_run_fleet(actor)
    check_address(access.server)
    with transaction.atomic():
        cluster = _locked(cluster_id)
        before = ClusterCredential.objects.filter(cluster=cluster).first()
        old_server, cluster.server, cluster.ca_certificate = cluster.server, str(access.server), access.ca_pem
        cluster.save(update_fields=["server", "ca_certificate"])
        credential = seal_access(cluster=cluster, access=access, actor=actor)
        record(
            "cluster.credential-replaced",
            actor=actor,
            subject=cluster,
            team_id=cluster.owner_team_id,
            before={"server": old_server, **(_described(before) if before else {})},
            after={"server": cluster.server, **_described(credential)},
        )
        contacts.open_contact(cluster=cluster, kind=Contact.Kind.TEST, requested_by=actor)
    return credential


@transaction.atomic
def update_cluster(
    *,
    actor: User,
    cluster_id: uuid.UUID,
    labels: Mapping[str, str],
    environment_id: uuid.UUID,
    dns: Mapping[str, object],
    owner_team_id: uuid.UUID | None = None,
) -> Cluster:
    """Change what people say about a cluster; scopes of entries follow its labels and environment at once."""
    check_may_run_fleet(actor)
    cluster = _locked(cluster_id)
    before = _facts(cluster)
    cluster.labels, cluster.dns = checked_labels(labels), checked_dns(dns)
    cluster.environment = _environment(environment_id)
    if owner_team_id is not None:
        cluster.owner_team = _team(owner_team_id, field="owner_team")
    after = _facts(cluster)
    if after == before:
        return cluster
    cluster.save(update_fields=["labels", "dns", "environment", "owner_team"])
    changed = [key for key in after if after[key] != before[key]]
    record(
        "cluster.updated",
        actor=actor,
        subject=cluster,
        team_id=cluster.owner_team_id,
        before={key: before[key] for key in changed},
        after={key: after[key] for key in changed},
    )
    return cluster


@transaction.atomic
def request_contact(*, actor: User, cluster_id: uuid.UUID, kind: str) -> Contact:
    """Ask the pusher for a connection test or an inventory; while one is open, that one is the answer."""
    check_may_run_fleet(actor)
    if kind not in Contact.Kind.values:
        raise InvalidCluster({"kind": _("A contact is a test or an inventory.")})
    cluster = _locked(cluster_id)
    contact, is_new = contacts.open_contact(cluster=cluster, kind=kind, requested_by=actor)
    if is_new:
        record("contact.requested", actor=actor, subject=cluster, team_id=cluster.owner_team_id, kind=kind)
    return contact


@transaction.atomic
def assign_namespace(
    *, actor: User, namespace_id: uuid.UUID, team_id: uuid.UUID | None, seen_team_id: object = _UNSET
) -> Namespace:
    """Say which team answers for a namespace. With ``seen_team_id``, only if that is still the team it has."""
    check_may_run_fleet(actor)
    try:
        namespace = Namespace.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=namespace_id)
    except Namespace.DoesNotExist:
        raise NamespaceMissing(_("There is no such namespace.")) from None
    if seen_team_id is not _UNSET and namespace.team_id != seen_team_id:
        raise NamespaceReassigned(_("The namespace was given to another team since you opened the page."))
    team = _team(team_id, field="team") if team_id is not None else None
    if namespace.team_id == team_id:
        return namespace
    before, namespace.team = namespace.team, team
    namespace.save(update_fields=["team"])
    record(
        "namespace.assigned",
        actor=actor,
        subject=namespace,
        team_id=team_id or (before.pk if before else None),
        cluster=namespace.cluster.name,
        before=before.slug if before else None,
        after=team.slug if team else None,
    )
    return namespace


@transaction.atomic
def retire_cluster(*, actor: User, cluster_id: uuid.UUID, reason: str) -> Cluster:
    """Take a cluster out of service and destroy its credential. What lies on it stays there, as it is."""
    check_may_run_fleet(actor)
    why = clean_line(reason, field="reason", max_length=_REASON_LENGTH)
    cluster = _locked(cluster_id)
    now = timezone.now()
    cluster.retired_at = now
    cluster.save(update_fields=["retired_at"])
    contacts.close_open(cluster_id=cluster.pk, verdict="The cluster was retired.", at=now)
    ClusterCredential.objects.filter(cluster=cluster).delete()
    record("cluster.retired", actor=actor, subject=cluster, team_id=cluster.owner_team_id, reason=why)
    return cluster


@transaction.atomic
def accept_identity(*, actor: User, cluster_id: uuid.UUID, reason: str) -> Cluster:
    """Forget the pinned identity of a cluster that was rebuilt on purpose; the next test pins what answers then."""
    check_may_run_fleet(actor)
    why = clean_line(reason, field="reason", max_length=_REASON_LENGTH)
    cluster = _locked(cluster_id)
    if cluster.state != Cluster.State.MISMATCH:
        raise InvalidCluster({"reason": _("The cluster that answers is the pinned one; there is nothing to accept.")})
    before, cluster.identity = cluster.identity, ""
    cluster.save(update_fields=["identity"])
    record(
        "cluster.identity-forgotten",
        actor=actor,
        subject=cluster,
        team_id=cluster.owner_team_id,
        before=before,
        reason=why,
    )
    contacts.open_contact(cluster=cluster, kind=Contact.Kind.TEST, requested_by=actor)
    return cluster


def check_address(server: ServerUrl) -> None:
    """Refuse an address that policy never allows. A name that does not resolve from here is left to the test."""
    try:
        address_policy().check(host=server.host, port=server.port, timeout=_LOOKUP_SECONDS)
    except RefusedAddress as error:
        raise InvalidCluster({"server": error.message}) from None
    except Unreachable:
        return


def _create(*, actor: User, **columns: object) -> Cluster:
    try:
        with transaction.atomic():
            return Cluster.objects.create(registered_by=actor, **columns)
    except IntegrityError:
        raise ClusterNameTaken(
            _("A cluster of this name is registered already; names of retired clusters stay taken."),
            details={"fields": {"name": [_("This name is taken.")]}},
        ) from None


def _locked(cluster_id: uuid.UUID) -> Cluster:
    try:
        cluster = (
            Cluster.objects.select_for_update(of=("self",))
            .select_related("environment", "owner_team")
            .get(pk=cluster_id)
        )
    except Cluster.DoesNotExist:
        raise ClusterMissing(_("There is no such cluster.")) from None
    if cluster.retired_at is not None:
        raise ClusterRetired(_("%(name)s was retired; it is kept for its history only.") % {"name": cluster.name})
    return cluster


def _environment(environment_id: uuid.UUID) -> Environment:
    environment = Environment.objects.filter(pk=environment_id).first()
    if environment is None:
        raise InvalidCluster({"environment": _("There is no such environment.")})
    return environment


def _team(team_id: uuid.UUID, *, field: str) -> Team:
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        raise InvalidCluster({field: _("There is no such team.")})
    return team


def _facts(cluster: Cluster) -> dict[str, object]:
    return {
        "labels": cluster.labels,
        "dns": cluster.dns,
        "environment": cluster.environment.slug,
        "owner_team": cluster.owner_team.slug,
    }


def _described(credential: ClusterCredential) -> dict[str, object]:
    """What may be told of a credential: enough to tell two apart, nothing to open a door with."""
    return {"kind": credential.kind, "fingerprint": credential.fingerprint, "expires_at": credential.expires_at}
