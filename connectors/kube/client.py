"""Writing to a cluster so that a late or mistaken writer cannot do harm.

Nothing is ever overwritten unseen. A first writing is a create, which fails where something exists. Every later one is
a server-side apply that carries the identity and version of the object that was just read, so it fails if anything
happened in between. A delete carries both as well.
"""

from __future__ import annotations

from typing import Any

from connectors.errors import ConnectorError, Missing, NotOurs, Rejected, StaleGeneration, StaleObject
from connectors.kube.ownership import (
    FIELD_MANAGER,
    as_applied,
    foreign_paths,
    generation_of,
    has_leftover,
    is_ours,
    metadata_of,
)
from connectors.kube.reading import KubeReader
from connectors.kube.replies import Object
from connectors.kube.resources import Resource

_APPLY = "application/apply-patch+yaml"  # JSON is YAML, and the only form of it that nobody misreads
_JSON_PATCH = "application/json-patch+json"
_CONVERSION_TRIES = 4


class KubeClient(KubeReader):
    """Reads and writes one cluster as the field manager ``sallyport``."""

    def write(self, *, desired: Object, live: Object | None, force: bool = False) -> Object:
        """Make ``live``, the object as just read (``None``: not there), into ``desired``; returns what is stored.

        Raises ``AlreadyExists`` or ``StaleObject`` if the cluster no longer is as it was read, ``NotOurs`` if the
        object belongs to somebody else, ``StaleGeneration`` if it was written from a newer desired state, and
        ``FieldConflict`` if others hold fields of it. ``force`` takes such fields back and removes what others put
        beside ours in the parts that decide about traffic.
        """
        if live is None:
            return self.create(desired)
        if not is_ours(live):
            raise NotOurs(f"{_label(live)} is not managed by Sallyport")
        _check_generation(live, generation_of(desired))
        written = self.apply(desired, live=live, force=force)
        return self._remove_foreign(desired, written) if force else written

    def create(self, desired: Object, *, dry_run: bool = False) -> Object:
        """Create ``desired``; raises ``AlreadyExists`` and leaves alone what is there, whoever made it."""
        resource = self._resource(desired)
        created = self._transport.call(
            "POST",
            resource.path(namespace=_namespace_of(desired)),
            query=_write_query(dry_run=dry_run),
            body=desired,
        )
        return created if dry_run else self.own_by_apply(created)

    def apply(self, desired: Object, *, live: Object, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply of ``desired`` over ``live``; raises ``StaleObject`` unless ``live`` is what is there."""
        resource = self._resource(desired)
        if has_leftover(live) and not dry_run:
            # One try under the version that was read: looking again here would defeat the fence.
            live = self._replace_managed_fields(resource, live)
        fence = {"uid": metadata_of(live).get("uid"), "resourceVersion": metadata_of(live).get("resourceVersion")}
        if not all(fence.values()):
            raise ValueError("the live object must be one that was read from the cluster")
        try:
            return self._transport.call(
                "PATCH",
                self._path(resource, desired),
                query={**_write_query(dry_run=dry_run), "force": "true" if force else "false"},
                body={**desired, "metadata": {**metadata_of(desired), **fence}},
                content_type=_APPLY,
            )
        except (Missing, Rejected) as error:
            raise self._gone_meanwhile(resource, live, error) from error

    def dry_run(self, desired: Object, *, live: Object | None) -> Object:
        """What the cluster would store, or the error that it would raise; nothing is changed."""
        if live is None:
            return self.create(desired, dry_run=True)
        return self.apply(desired, live=live, force=True, dry_run=True)

    def delete(self, live: Object, *, generation: int | None = None, dry_run: bool = False) -> None:
        """Delete exactly the object that was read.

        Raises ``StaleObject`` if it changed or was recreated since, ``Missing`` if it is gone. With ``generation``, an
        object that was written from a newer desired state is kept.
        """
        if not is_ours(live):
            raise NotOurs(f"{_label(live)} is not managed by Sallyport")
        if generation is not None:
            _check_generation(live, generation)
        metadata = metadata_of(live)
        body: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        }
        if dry_run:
            body["dryRun"] = ["All"]
        self._transport.call("DELETE", self._path(self._resource(live), live), body=body)

    def own_by_apply(self, live: Object) -> Object:
        """Turn our creation of ``live`` into an apply, so that later applies can remove fields again.

        Safe to repeat at any time; only the bookkeeping of the object changes. Killed before this, a writer leaves an
        object that the next apply puts right by the same call.
        """
        resource = self._resource(live)
        for _ in range(_CONVERSION_TRIES):
            if not has_leftover(live):
                return live
            try:
                return self._replace_managed_fields(resource, live)
            except StaleObject:
                # Others may touch it at any time (a controller writing status): what they did stays, we look again.
                fresh = self.get(resource, name=metadata_of(live)["name"], namespace=_namespace_of(live))
                if metadata_of(fresh).get("uid") != metadata_of(live).get("uid"):
                    raise
                live = fresh
        raise StaleObject(f"{_label(live)} keeps changing")

    def _replace_managed_fields(self, resource: Resource, live: Object) -> Object:
        version = metadata_of(live)["resourceVersion"]
        return self._transport.call(
            "PATCH",
            self._path(resource, live),
            query={"fieldManager": FIELD_MANAGER},
            body=[
                {"op": "replace", "path": "/metadata/managedFields", "value": as_applied(live)},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            ],
            content_type=_JSON_PATCH,
        )

    def _remove_foreign(self, desired: Object, written: Object) -> Object:
        paths = foreign_paths(desired=desired, live=written)
        if not paths:
            return written
        operations: list[dict[str, Any]] = [{"op": "remove", "path": _pointer(path)} for path in paths]
        version = metadata_of(written)["resourceVersion"]
        operations.append({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
        return self._transport.call(
            "PATCH",
            self._path(self._resource(written), written),
            query=_write_query(dry_run=False),
            body=operations,
            content_type=_JSON_PATCH,
        )

    def _gone_meanwhile(self, resource: Resource, live: Object, error: ConnectorError) -> ConnectorError:
        """The server words "that object no longer exists" in several ways; a look tells."""
        if isinstance(error, Rejected) and error.details.get("status") not in {400, 422}:
            return error
        there = self.find(resource, name=metadata_of(live)["name"], namespace=_namespace_of(live))
        if there is None:
            return StaleObject(f"{_label(live)} was deleted meanwhile", details=dict(error.details))
        return error

    def _resource(self, obj: Object) -> Resource:
        return self.resource_for(api_version=str(obj.get("apiVersion", "")), kind=str(obj.get("kind", "")))

    def _path(self, resource: Resource, obj: Object) -> str:
        return resource.path(namespace=_namespace_of(obj), name=metadata_of(obj)["name"])


def _check_generation(live: Object, ours: int | None) -> None:
    theirs = generation_of(live)
    if theirs is not None and (ours is None or ours < theirs):
        raise StaleGeneration(
            f"{_label(live)} is already at generation {theirs}", details={"live": theirs, "ours": ours}
        )


def _write_query(*, dry_run: bool) -> dict[str, str]:
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    return {**query, "dryRun": "All"} if dry_run else query


def _namespace_of(obj: Object) -> str | None:
    namespace = metadata_of(obj).get("namespace")
    return str(namespace) if namespace else None


def _label(obj: Object) -> str:
    metadata = metadata_of(obj)
    return f"{obj.get('kind')} {metadata.get('namespace', '')}/{metadata.get('name', '')}"


def _pointer(path: tuple[str, ...]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
