"""What a manifest may mean that its author did not: accepted everywhere, and yet worth a second look."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from policy.bundles import canonical_json
from policy.validation import ManifestError, validate_manifest
from policy.validation.advice import (
    antrea,
    aws,
    calico,
    cilium,
    gke,
    istio,
    networkpolicy,
    ovn,
    policyapi,
)
from policy.validation.advice.model import Advice, Adviser
from policy.validation.kinds import Key

__all__ = ["Advice", "advise"]

MAXIMUM_ADVICE = 100
# An object over this budget comes near to what etcd takes in one request.
_OBJECT_BUDGET_BYTES = 1_000_000

_ADVISERS: Mapping[Key, Adviser] = {
    key: adviser
    for family in (networkpolicy, cilium, calico, policyapi, antrea, ovn, gke, aws, istio)
    for key, adviser in family.ADVISERS.items()
}


def advise(manifest: Mapping[str, Any], *, calico_enterprise: bool = False) -> tuple[Advice, ...]:
    """The warnings about a manifest that is valid; one that is not has errors instead, and no warnings."""
    errors: tuple[ManifestError, ...] = validate_manifest(manifest, calico_enterprise=calico_enterprise)
    if errors:
        return ()
    return tuple(islice(_all(manifest), MAXIMUM_ADVICE))


def _all(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    adviser = _ADVISERS.get((manifest["apiVersion"], manifest["kind"]))
    if adviser is not None:
        yield from adviser(manifest)
    if _size(manifest) > _OBJECT_BUDGET_BYTES:
        yield Advice("object-size", "", f"larger than {_OBJECT_BUDGET_BYTES} bytes: split it before etcd refuses it")


def _size(manifest: Mapping[str, Any]) -> int:
    try:
        return len(canonical_json(manifest))
    except (TypeError, ValueError):  # what is no JSON (a date, a lone surrogate) has no size on the wire
        return 0
