"""One namespace on one cluster: read completely, written one object at a time, never beyond what is ours."""

from __future__ import annotations

from connectors.errors import Missing, StaleObject
from connectors.kube import CILIUM_POLICIES, NAMESPACES, NETWORK_POLICIES, KubeClient, Resource
from connectors.kube.ownership import generation_of
from rollouts.errors import NamespaceChanged
from rollouts.objects import Object, ObjectKey, is_base, key_of, uid_of
from rollouts.planning import Live, Step, split

RESOURCES_OF: dict[str, tuple[Resource, ...]] = {
    "networkpolicy": (NETWORK_POLICIES,),
    # Where Cilium enforces, it enforces plain policies too.
    "cilium": (CILIUM_POLICIES, NETWORK_POLICIES),
}


class LiveNamespace:
    """What a pusher sees and writes. Every answer is complete or an error: no failure ever reads as an empty list."""

    def __init__(self, *, client: KubeClient, namespace: str, dialect: str) -> None:
        self._client = client
        self._namespace = namespace
        self._resources = RESOURCES_OF[dialect]
        self._known: dict[ObjectKey, Object] = {}

    def check_identity(self, uid: str) -> None:
        """Raises ``NamespaceChanged`` unless the namespace that was registered is still there and stays."""
        found = self._client.find(NAMESPACES, name=self._namespace)
        if found is None:
            raise NamespaceChanged(f"There is no namespace {self._namespace} on the cluster any more.")
        if uid and uid_of(found) != uid:
            raise NamespaceChanged(
                f"The namespace {self._namespace} was deleted and made anew; the next inventory takes note of it."
            )
        if (found.get("status") or {}).get("phase") == "Terminating":
            raise NamespaceChanged(f"The namespace {self._namespace} is being deleted.")

    def read(self) -> Live:
        """Every policy object of the namespace in the dialects that count there."""
        items: list[Object] = []
        for resource in self._resources:
            items.extend(self._client.list_objects(resource, namespace=self._namespace).items)
        live = split(items)
        self._known = dict(live.ours)
        return live

    def perform(self, step: Step) -> None:
        """One write, conditioned on the object as it was read or as our own last write left it."""
        known = self._known.get(step.key)
        if step.action == "delete":
            self._delete(step.manifest)
            self._known.pop(step.key, None)
            return
        if step.action == "create" and known is None:
            self._known[step.key] = self._client.create(step.manifest)
            return
        if known is None:
            raise StaleObject(f"{step.key} went away before it could be updated")
        self._known[step.key] = self._client.write(desired=step.manifest, live=known, force=True)

    def undo_if_overtaken(self, step: Step, *, base: ObjectKey, generation: int) -> bool:
        """After a create: take it back if a newer generation has meanwhile reached the base object.

        A create cannot be conditioned on another object, so a late writer could bring back what a newer one had
        removed; this closes that door. True where something was taken back.
        """
        created = self._known.get(step.key)
        if created is None or is_base(created):
            return False
        newest = self._generation_now(base)
        if newest is None or newest <= generation:
            return False
        self._take_back(created)
        return True

    def _generation_now(self, base: ObjectKey) -> int | None:
        resource = self._client.resource_for(api_version=base.api_version, kind=base.kind)
        found = self._client.find(resource, name=base.name, namespace=self._namespace)
        return generation_of(found) if found is not None else None

    def _take_back(self, created: Object) -> None:
        try:
            self._client.delete(created)
        except (Missing, StaleObject):
            # The newer writer has already adopted or removed it.
            return
        finally:
            self._known.pop(key_of(created), None)

    def _delete(self, item: Object) -> None:
        try:
            self._client.delete(item)
        except Missing:
            # Gone is what was wanted.
            return
