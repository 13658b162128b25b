"""Which resources a cluster serves: the aggregated document where there is one, the older lists where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.kube.replies import Object
from connectors.kube.resources import Resource

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)


def is_aggregated(document: Object) -> bool:
    return document.get("kind") == "APIGroupDiscoveryList"


def aggregated_resources(document: Object) -> Iterator[Resource]:
    """Every resource of an aggregated document; groups whose server does not answer are simply not in it."""
    for group in _dicts(document.get("items")):
        name = str((group.get("metadata") or {}).get("name", ""))
        for version in _dicts(group.get("versions")):
            for one in _dicts(version.get("resources")):
                kind = str((one.get("responseKind") or {}).get("kind", ""))
                yield Resource(
                    name,
                    str(version.get("version", "")),
                    str(one.get("resource", "")),
                    kind,
                    namespaced=one.get("scope") == "Namespaced",
                )


def group_versions(document: Object) -> Iterator[tuple[str, str]]:
    """Each (group, version) of an ``APIGroupList``."""
    for group in _dicts(document.get("groups")):
        for version in _dicts(group.get("versions")):
            yield str(group.get("name", "")), str(version.get("version", ""))


def listed_resources(document: Object, *, group: str, version: str) -> Iterator[Resource]:
    """Each resource of an ``APIResourceList``, without subresources."""
    for one in _dicts(document.get("resources")):
        plural = str(one.get("name", ""))
        if "/" not in plural:
            yield Resource(group, version, plural, str(one.get("kind", "")), namespaced=bool(one.get("namespaced")))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
