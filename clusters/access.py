"""The only place where a cluster's credential is opened. It works in the pusher, which alone has the opening keys."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clusters.credentials import row_of
from clusters.errors import CredentialLocked, CredentialMissing, IdentityMismatch, IdentityUnknown
from clusters.models import Cluster, ClusterCredential
from clusters.outcomes import note_outcome
from clusters.states import Outcome
from connectors.access import ClusterAccess
from connectors.addresses import AddressPolicy
from connectors.errors import CannotOpen, InvalidAccess, InvalidCredential
from connectors.http import Limits
from connectors.kube import KubeClient
from connectors.sealing import KeyRing, open_sealed

logger = logging.getLogger(__name__)

#: A contact makes some twenty requests; each may take this long, so that a slow cluster holds up nobody for minutes.
CONTACT_LIMITS = Limits(connect=5.0, read=10.0, total=10.0)


def address_policy() -> AddressPolicy:
    """Where clusters may be: never beside us, except where loopback is allowed for practice."""
    return AddressPolicy(allow_loopback=settings.ALLOW_LOOPBACK_CLUSTERS)


def can_open() -> bool:
    """Whether this process holds an opening key at all."""
    return bool(settings.CREDENTIAL_OPENING_KEYS)


def open_access(cluster: Cluster) -> ClusterAccess:
    """The address, authority and key as they were sealed.

    The address comes out of the sealed text and not out of the row: whoever can write to the row cannot have the key
    sent elsewhere. Raises ``CredentialLocked`` or ``CredentialMissing``; no message tells anything of the secret.
    """
    try:
        credential = ClusterCredential.objects.get(cluster_id=cluster.pk)
    except ClusterCredential.DoesNotExist:
        raise CredentialMissing(f"{cluster.name} has no credential.") from None
    if not can_open():
        raise CredentialLocked("This process holds no opening key; only the pusher reaches clusters.")
    try:
        ring = KeyRing.from_texts(settings.CREDENTIAL_OPENING_KEYS)
        plain = open_sealed(ring, bytes(credential.sealed).decode("ascii", "replace"), row=row_of(cluster.pk))
        return ClusterAccess.from_bytes(plain)
    except (CannotOpen, InvalidCredential, InvalidAccess) as error:
        logger.warning("The credential of cluster %s does not open: %s", cluster.pk, error.code)
        raise CredentialLocked(
            f"The credential of {cluster.name} does not open here: it was sealed for another key or another cluster."
        ) from None


def kube_client(cluster: Cluster) -> KubeClient:
    """A client for the cluster that was pinned, checked just now; the caller closes it.

    Raises ``IdentityMismatch`` after recording it when another cluster answers, ``IdentityUnknown`` before the first
    contact, ``CredentialLocked`` where no opening key is, and the connectors' errors when nobody answers.
    """
    if not cluster.identity:
        raise IdentityUnknown(f"{cluster.name} was never contacted; its identity is not known yet.")
    client = KubeClient(access=open_access(cluster), address_policy=address_policy())
    try:
        found = client.kube_system_uid()
        if found != cluster.identity:
            refuse_stranger(cluster, found=found)
    except BaseException:
        client.close()
        raise
    return client


def refuse_stranger(cluster: Cluster, *, found: str) -> None:
    """Record that another cluster answers, and raise ``IdentityMismatch``."""
    reason = f"kube-system has UID {found[:64]}, pinned is {cluster.identity}"
    with transaction.atomic():
        note_outcome(cluster_id=cluster.pk, outcome=Outcome.STRANGER, reason=reason, at=timezone.now())
    raise IdentityMismatch(
        f"Another cluster answers at the address of {cluster.name}: nothing is written there.",
        details={"pinned": cluster.identity, "found": found[:64]},
    )
