"""What the registry of kinds holds: one entry per group, version and kind, never per kind alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from policy.validation.metadata import metadata
from policy.validation.schema import Anything, Object, ObjectCheck, Shape, Text, TextCheck
from policy.validation.texts import dns_subdomain

Key = tuple[str, str]


@dataclass(frozen=True)
class Kind:
    """One kind of one API: the shape of the whole object, and whether it lives in a namespace."""

    shape: Object
    is_namespaced: bool


def kind(
    spec: Shape,
    *,
    is_namespaced: bool,
    is_spec_required: bool = True,
    name: TextCheck = dns_subdomain,
    others: Mapping[str, Shape] | None = None,
    check: ObjectCheck | None = None,
) -> Kind:
    """A kind with this ``spec``; ``check`` sees the whole object once all of it has the right shape."""
    fields: dict[str, Shape] = {
        "apiVersion": Text(),
        "kind": Text(),
        "metadata": metadata(is_namespaced=is_namespaced, name=name),
        "spec": spec,
        "status": Anything(),
        **(others or {}),
    }
    required = ("metadata", "spec") if is_spec_required else ("metadata",)
    return Kind(shape=Object(fields, required=required, check=check), is_namespaced=is_namespaced)
