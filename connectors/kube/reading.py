"""What a cluster says about itself and its objects. Nothing here changes anything."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from connectors.access import ClusterAccess
from connectors.addresses import AddressPolicy
from connectors.errors import BadReply, Forbidden, Gone, Missing
from connectors.http import Limits
from connectors.kube import discovery
from connectors.kube.ownership import is_ours, last_change, metadata_of
from connectors.kube.replies import Object
from connectors.kube.resources import (
    NAMESPACES,
    PODS,
    WORKLOADS,
    Dialect,
    Resource,
    find_dialects,
    group_version_path,
)
from connectors.kube.transport import JSON, Transport

_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = 500
_MAX_OBJECTS = 100_000
_MAX_PAGES = 1_000
_LISTING_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """What ``/version`` says; ``minor`` may carry a suffix on managed clusters."""

    git_version: str
    major: str
    minor: str
    platform: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the API server calls itself ready, and which of its checks fail if not."""

    is_ready: bool
    failed_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Namespace:
    name: str
    uid: str
    labels: dict[str, str]
    annotations: dict[str, str]
    phase: str
    created_at: datetime.datetime | None

    @property
    def is_terminating(self) -> bool:
        return self.phase == "Terminating"


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A complete listing and the collection's version that it was read at."""

    items: tuple[Object, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WorkloadCounts:
    """How many workloads of each plural there are; ``None`` where we may not look."""

    by_plural: dict[str, int | None]

    @property
    def total(self) -> int:
        """All workload controllers that we may see; pods are counted apart."""
        return sum(count or 0 for plural, count in self.by_plural.items() if plural != "pods")


@dataclass(frozen=True, slots=True)
class ForeignPolicy:
    """A policy object about egress that is not ours."""

    resource: Resource
    namespace: str
    name: str
    manager: str


@dataclass(frozen=True, slots=True)
class ForeignPolicies:
    """Other people's egress policies, and the resources that we were not allowed to list."""

    found: tuple[ForeignPolicy, ...]
    unreadable: tuple[Resource, ...] = field(default=())


class KubeReader:
    """Reads one cluster. Safe for threads; not to be shared over a fork."""

    def __init__(
        self,
        *,
        access: ClusterAccess,
        address_policy: AddressPolicy,
        limits: Limits | None = None,
        connections: int = 4,
    ) -> None:
        self._transport = Transport(
            access=access, address_policy=address_policy, limits=limits, connections=connections
        )
        self._kinds: dict[str, dict[str, Resource]] = {}
        self._kinds_lock = threading.Lock()

    # About the cluster

    def version(self) -> ServerVersion:
        answer = self._transport.call("GET", "/version")
        texts = {name: str(answer.get(name, "")) for name in ("gitVersion", "major", "minor", "platform")}
        if not texts["gitVersion"]:
            raise BadReply("The server's answer is not a version; is this an API server?")
        return ServerVersion(texts["gitVersion"], texts["major"], texts["minor"], texts["platform"])

    def readiness(self) -> Readiness:
        """Ask ``/readyz``; an unready server is an answer, not an error."""
        reply = self._transport.raw("GET", "/readyz", query={"verbose": "true"}, accept="text/plain")
        if reply.status == 200:
            return Readiness(is_ready=True)
        if reply.status in {401, 403}:
            raise Forbidden("Our credential may not ask whether the server is ready", details={"status": reply.status})
        lines = reply.body[:20_000].decode("utf-8", errors="replace").splitlines()
        failed = (line[3:].split(" ", 1)[0] for line in lines if line.startswith("[-]"))
        return Readiness(is_ready=False, failed_checks=tuple(self._transport.scrub(one, limit=100) for one in failed))

    def kube_system_uid(self) -> str:
        """The identity of the cluster itself: it stays through upgrades and moves, and differs between clusters."""
        return str(metadata_of(self.get(NAMESPACES, name="kube-system")).get("uid", ""))

    # What it serves

    def discover(self) -> tuple[Resource, ...]:
        """Every resource that the cluster serves, in groups, versions and plurals."""
        found: list[Resource] = []
        for path in ("/api", "/apis"):
            document = self._transport.call("GET", path, accept=discovery.AGGREGATED)
            if not discovery.is_aggregated(document):
                return tuple(self._discover_by_lists())
            found.extend(discovery.aggregated_resources(document))
        return tuple(found)

    def _discover_by_lists(self) -> Iterator[Resource]:
        groups = self._transport.call("GET", "/apis")
        for group, version in (("", "v1"), *discovery.group_versions(groups)):
            yield from self._served(group, version)

    def _served(self, group: str, version: str) -> Iterator[Resource]:
        document = self._transport.call("GET", group_version_path(group, version))
        return discovery.listed_resources(document, group=group, version=version)

    def dialects(self) -> tuple[Dialect, ...]:
        """The policy dialects that the cluster serves; for Cilium with the oldest agent's version where visible."""
        found = find_dialects(self.discover())
        return tuple(
            Dialect(one.name, one.resources, self.cilium_agent_version()) if one.name == "cilium" else one
            for one in found
        )

    def cilium_agent_version(self) -> str | None:
        """The lowest version among Cilium's agents, from their image tags; ``None`` when not visible or not clear."""
        try:
            pods = self.list_objects(PODS, namespace="kube-system", label_selector="k8s-app=cilium")
        except (Forbidden, Missing):
            return None
        versions = [version for pod in pods.items if (version := _agent_version(pod)) is not None]
        return min(versions, key=_version_key) if versions else None

    def resource_for(self, *, api_version: str, kind: str) -> Resource:
        """The resource behind an object's ``apiVersion`` and ``kind``; raises ``Missing`` if the cluster has none."""
        with self._kinds_lock:
            known = self._kinds.get(api_version, {})
        if kind not in known:
            group, _, version = api_version.rpartition("/")
            known = {resource.kind: resource for resource in self._served(group, version)}
            with self._kinds_lock:
                self._kinds[api_version] = known
        if kind not in known:
            raise Missing(f"The cluster does not serve {kind} of {api_version}")
        return known[kind]

    # Objects

    def get(self, resource: Resource, *, name: str, namespace: str | None = None) -> Object:
        """One object; raises ``Missing`` if it is not there."""
        return self._transport.call("GET", resource.path(namespace=namespace, name=name))

    def find(self, resource: Resource, *, name: str, namespace: str | None = None) -> Object | None:
        """One object, or ``None`` if the server says that it is not there. Any other failure still raises."""
        try:
            return self.get(resource, name=name, namespace=namespace)
        except Missing as error:
            if error.details.get("reason") != "NotFound":
                raise
            return None

    def list_objects(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> ObjectList:
        """Every object of a collection, complete or not at all: no error is ever a shorter list."""
        try:
            return self._list_pages(resource, namespace, label_selector, metadata_only=metadata_only)
        except Gone:
            # The snapshot that we were paging through is gone; what was collected from it is of no use.
            return self._list_pages(resource, namespace, label_selector, metadata_only=metadata_only)

    def _list_pages(
        self, resource: Resource, namespace: str | None, label_selector: str, *, metadata_only: bool
    ) -> ObjectList:
        query = {"limit": str(_PAGE)}
        if label_selector:
            query["labelSelector"] = label_selector
        accept = f"{_METADATA_ONLY},{JSON}" if metadata_only else JSON
        items: list[Object] = []
        over_at = time.monotonic() + _LISTING_SECONDS
        for _ in range(_MAX_PAGES):
            page = self._transport.call("GET", resource.path(namespace=namespace), query=query, accept=accept)
            items.extend(_with_kind(resource, one) for one in _items(page))
            metadata = metadata_of(page)
            if not metadata.get("continue"):
                return ObjectList(tuple(items), str(metadata.get("resourceVersion", "")))
            if len(items) > _MAX_OBJECTS or time.monotonic() > over_at:
                break
            query["continue"] = str(metadata["continue"])
        raise BadReply(f"The listing of {resource.plural} does not come to an end", details={"read": len(items)})

    def list_namespaces(self) -> tuple[Namespace, ...]:
        return tuple(_namespace(one) for one in self.list_objects(NAMESPACES).items)

    def count_objects(self, resource: Resource, *, namespace: str | None = None) -> int:
        """How many there are, by one small request: the server says how many it left out."""
        page = self._transport.call(
            "GET", resource.path(namespace=namespace), query={"limit": "1"}, accept=f"{_METADATA_ONLY},{JSON}"
        )
        shown, metadata = len(_items(page)), metadata_of(page)
        left_out = metadata.get("remainingItemCount", 0)
        if metadata.get("continue") and not isinstance(left_out, int):
            return len(self.list_objects(resource, namespace=namespace, metadata_only=True).items)
        return shown + int(left_out)

    def count_workloads(self, *, namespace: str | None = None) -> WorkloadCounts:
        counts: dict[str, int | None] = {}
        for resource in (*WORKLOADS, PODS):
            try:
                counts[resource.plural] = self.count_objects(resource, namespace=namespace)
            except Forbidden:
                counts[resource.plural] = None
        return WorkloadCounts(counts)

    def foreign_policies(self) -> ForeignPolicies:
        """Everybody else's policies that say something about egress, in every dialect that the cluster serves."""
        found: list[ForeignPolicy] = []
        unreadable: list[Resource] = []
        for dialect in find_dialects(self.discover()):
            for resource in dialect.resources:
                try:
                    listed = self.list_objects(resource)
                except Forbidden:
                    unreadable.append(resource)
                    continue
                found.extend(
                    _foreign(resource, one) for one in listed.items if not is_ours(one) and is_about_egress(one)
                )
        return ForeignPolicies(tuple(found), tuple(unreadable))

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.server})"


def is_about_egress(policy: Object) -> bool:
    """Whether a policy object of any dialect says something about what may leave."""
    specs = [one for one in (policy.get("spec"), *_list(policy.get("specs"))) if isinstance(one, dict)]
    if policy.get("kind") in {"EgressFirewall", "FQDNNetworkPolicy"}:
        return True
    for spec in specs:
        types = _list(spec.get("policyTypes")) + _list(spec.get("types"))
        if "Egress" in types or (not types and (spec.get("egress") is not None or spec.get("egressDeny"))):
            return True
    return False


def _foreign(resource: Resource, policy: Object) -> ForeignPolicy:
    metadata, change = metadata_of(policy), last_change(policy)
    return ForeignPolicy(
        resource=resource,
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata.get("name", "")),
        manager=change.manager if change else "",
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _items(page: Object) -> list[Object]:
    items = page.get("items")
    if items is None and str(page.get("kind", "")).endswith("List"):
        return []
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise BadReply("The server's answer is not a list of objects")
    return items


def _with_kind(resource: Resource, item: Object) -> Object:
    """Built-in resources leave the kind out of list items; an object without it could not be compared or written."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **item} if "kind" not in item else item


def _namespace(obj: Object) -> Namespace:
    metadata = metadata_of(obj)
    return Namespace(
        name=str(metadata.get("name", "")),
        uid=str(metadata.get("uid", "")),
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
        phase=str((obj.get("status") or {}).get("phase", "")),
        created_at=_instant(metadata.get("creationTimestamp")),
    )


def _instant(text: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def _agent_version(pod: Object) -> str | None:
    """``1.20.2`` out of ``quay.io/cilium/cilium:v1.20.2@sha256:…``; images without a version tag tell nothing."""
    for container in _list((pod.get("spec") or {}).get("containers")):
        if isinstance(container, dict) and container.get("name") == "cilium-agent":
            image = str(container.get("image", "")).partition("@")[0]
            tag = image.rpartition("/")[2].partition(":")[2].removeprefix("v")
            numbers = tag.partition("-")[0].split(".")
            if len(numbers) >= 2 and all(part.isascii() and part.isdigit() for part in numbers):
                return tag
    return None


def _version_key(version: str) -> tuple[tuple[int, ...], bool]:
    """A pre-release (``1.20.0-rc.1``) is older than its release."""
    numbers, dash, _ = version.partition("-")
    return tuple(int(part) for part in numbers.split(".")), not dash
