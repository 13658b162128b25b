"""Whether the API server takes a manifest *and* its controller or agent enforces it, with the path of each fault."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from policy.validation import antrea, aws, calico, cilium, gke, istio, networkpolicy, ovn, policyapi
from policy.validation.kinds import Key, Kind
from policy.validation.schema import Problem, quoted, shortened

__all__ = ["SUPPORTED_KINDS", "ManifestError", "is_supported", "object_name", "validate_manifest"]

# A reader fixes some and asks again; an object with a fault in each of a million rules must not fill the memory.
MAXIMUM_ERRORS = 100

_KINDS: Mapping[Key, Kind] = {
    key: kind
    for family in (networkpolicy, cilium, calico, policyapi, antrea, ovn, gke, aws, istio)
    for key, kind in family.KINDS.items()
}
_ENTERPRISE_KINDS: Mapping[Key, Kind] = {**_KINDS, **calico.ENTERPRISE_KINDS}

SUPPORTED_KINDS: tuple[Key, ...] = tuple(sorted(_KINDS))


@dataclass(frozen=True, slots=True, order=True)
class ManifestError:
    """One fault: the object it is in, the path of the field (empty for the whole object), and a sentence."""

    object: str
    field: str
    message: str


def validate_manifest(manifest: Mapping[str, Any], *, calico_enterprise: bool = False) -> tuple[ManifestError, ...]:
    """The faults of one manifest, none when server and controller would both take it.

    Never raises, whatever is given. ``calico_enterprise`` admits the fields that only Calico Enterprise and Cloud
    have; the open-source server prunes or refuses them.
    """
    kinds = _ENTERPRISE_KINDS if calico_enterprise else _KINDS
    name = object_name(manifest)
    return tuple(
        ManifestError(name, field, message) for field, message in islice(_problems(manifest, kinds), MAXIMUM_ERRORS)
    )


def is_supported(manifest: Mapping[str, Any]) -> bool:
    """Whether the manifest is of a kind that is judged here."""
    return isinstance(manifest, Mapping) and _key(manifest) in _KINDS


def object_name(manifest: Any) -> str:
    """The object as people name it: ``NetworkPolicy.networking.k8s.io prod/web``."""
    if not isinstance(manifest, Mapping):
        return "manifest"
    version, kind = _text(manifest.get("apiVersion")), _text(manifest.get("kind"))
    group = version.rpartition("/")[0]
    metadata = manifest.get("metadata")
    parts = [_text(metadata.get(key)) for key in ("namespace", "name")] if isinstance(metadata, Mapping) else []
    return " ".join(filter(None, (".".join(filter(None, (kind, group))), "/".join(filter(None, parts))))) or "manifest"


def _problems(manifest: Any, kinds: Mapping[Key, Kind]) -> Iterator[Problem]:
    if not isinstance(manifest, Mapping):
        yield "", "a manifest must be an object"
        return
    for field in ("apiVersion", "kind"):
        if not isinstance(manifest.get(field), str):
            yield field, "required, as text"
            return
    kind = kinds.get(_key(manifest))
    if kind is None:
        yield "kind", f"{quoted(manifest['kind'])} of {quoted(manifest['apiVersion'])} is not a kind that is known here"
        return
    yield from kind.shape.problems(manifest, "")


def _key(manifest: Mapping[str, Any]) -> Key:
    return _text(manifest.get("apiVersion")), _text(manifest.get("kind"))


def _text(value: Any) -> str:
    return shortened(value) if isinstance(value, str) else ""
