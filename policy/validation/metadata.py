"""``metadata`` of any object: its name, its namespace, its labels and annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.schema import Anything, Items, Object, Problem, Shape, Text, TextCheck, TextMap, Whole
from policy.validation.texts import dns_label, dns_subdomain, label_key, label_value

MAXIMUM_ANNOTATIONS_BYTES = 256 * 1024
_SET_BY_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink")


def metadata(*, is_namespaced: bool, name: TextCheck = dns_subdomain) -> Object:
    """The shape of ``metadata`` for one kind."""
    fields: dict[str, Shape] = dict.fromkeys(_SET_BY_THE_SERVER, Anything())
    fields |= {
        "name": Text(check=name),
        "generateName": Text(maximum=253),
        "namespace": Text(check=dns_label if is_namespaced else _no_namespace),
        "labels": TextMap(Text(check=label_value), key=label_key),
        "annotations": TextMap(Text(), key=lambda key: label_key(key.lower())),
        "generation": Whole(),
        "deletionGracePeriodSeconds": Whole(),
        "finalizers": Items(Text()),
        "ownerReferences": Items(Anything()),
        "managedFields": Items(Anything()),
    }
    return Object(fields, check=_check)


def _no_namespace(text: str) -> str | None:
    return "the kind is cluster-wide and has no namespace" if text else None


def _check(value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not value.get("name") and not value.get("generateName"):
        yield f"{path}.name", "required"
    annotations = value.get("annotations") or {}
    size = sum(len(key.encode("utf-8", "surrogatepass")) for pair in annotations.items() for key in pair)
    if size > MAXIMUM_ANNOTATIONS_BYTES:
        yield f"{path}.annotations", f"must have at most {MAXIMUM_ANNOTATIONS_BYTES} bytes together, not {size}"
