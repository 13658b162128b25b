"""Taking a credential in: from here on only the pusher can read it."""

from __future__ import annotations

import datetime
import uuid

from cryptography import x509
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from clusters.errors import NoSealingKey
from clusters.models import Cluster, ClusterCredential
from connectors.access import ClusterAccess
from connectors.errors import InvalidCredential
from connectors.sealing import PublicKey, seal


def row_of(cluster_id: uuid.UUID) -> str:
    """What a sealed credential is bound to: copied to any other cluster's row, it does not open."""
    return f"clusters.credential:{cluster_id}"


def sealing_key() -> PublicKey:
    """The public half of the pusher's key; raises ``NoSealingKey`` where the installation has none."""
    try:
        return PublicKey.from_text(settings.CREDENTIAL_SEALING_KEY)
    except InvalidCredential:
        raise NoSealingKey(
            "This installation cannot take credentials in: it has no sealing key. "
            "“manage.py make_credential_keys” makes a pair."
        ) from None


def seal_access(*, cluster: Cluster, access: ClusterAccess, actor: User) -> ClusterCredential:
    """Seal the whole access (address, authority and key) and store it as the cluster's one credential."""
    key = sealing_key()
    credential, _created = ClusterCredential.objects.update_or_create(
        cluster=cluster,
        defaults={
            "kind": access.method,
            "sealed": seal(key, access.as_bytes(), row=row_of(cluster.pk)).encode(),
            "key_id": key.key_id,
            "fingerprint": access.fingerprint,
            "created_by": actor,
            "created_at": timezone.now(),
            "expires_at": _expiry(access),
        },
    )
    return credential


def _expiry(access: ClusterAccess) -> datetime.datetime | None:
    """When a client certificate ends; tokens do not tell."""
    if access.client_certificate_pem is None:
        return None
    return x509.load_pem_x509_certificate(access.client_certificate_pem.encode()).not_valid_after_utc
