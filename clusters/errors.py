"""What can go wrong in the fleet, each thing under its own name."""

from collections.abc import Mapping
from typing import ClassVar

from policy.errors import DomainError, Kind


class FleetForbidden(DomainError):
    """Only platform engineers and administrators run the fleet."""

    code = "fleet_forbidden"
    kind: ClassVar[Kind] = "forbidden"


class InvalidCluster(DomainError):
    """What was given for a cluster is not usable; ``fields`` names every field at fault."""

    code = "invalid_cluster"

    def __init__(self, fields: Mapping[str, str | list[str]]) -> None:
        self.fields = {field: [told] if isinstance(told, str) else list(told) for field, told in fields.items()}
        listed = "; ".join(f"{field}: {' '.join(messages)}" for field, messages in self.fields.items())
        super().__init__(listed, details={"fields": self.fields})


class ClusterNameTaken(DomainError):
    code = "cluster_name_taken"
    kind: ClassVar[Kind] = "conflict"


class ClusterRetired(DomainError):
    """The cluster is out of service; it is kept for its history only."""

    code = "cluster_retired"
    kind: ClassVar[Kind] = "conflict"


class ClusterMissing(DomainError):
    code = "cluster_missing"
    kind: ClassVar[Kind] = "missing"


class NamespaceMissing(DomainError):
    code = "namespace_missing"
    kind: ClassVar[Kind] = "missing"


class NamespaceReassigned(DomainError):
    """The namespace got another team since it was read."""

    code = "namespace_reassigned"
    kind: ClassVar[Kind] = "conflict"


class NoSealingKey(DomainError):
    """This installation has no public key to seal a credential with, so none is taken in."""

    code = "no_sealing_key"
    kind: ClassVar[Kind] = "unavailable"


class CredentialLocked(DomainError):
    """The credential cannot be opened here: the process has not the opening key, or the blob is not this row's."""

    code = "credential_locked"
    kind: ClassVar[Kind] = "unavailable"


class CredentialMissing(DomainError):
    code = "credential_missing"
    kind: ClassVar[Kind] = "conflict"


class IdentityMismatch(DomainError):
    """Another cluster answers at this address: nothing is written there."""

    code = "identity_mismatch"
    kind: ClassVar[Kind] = "conflict"


class IdentityUnknown(DomainError):
    """The cluster was never contacted, so nobody knows yet who answers at its address."""

    code = "identity_unknown"
    kind: ClassVar[Kind] = "conflict"
