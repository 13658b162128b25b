"""Compiling for a whole fleet: an entry in scope of many clusters is rendered once, and equal bundles are one."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from policy.bundles import Bundle
from policy.capabilities import Capabilities
from policy.compilation import assemble_bundle, compiler_of, entries_in_force
from policy.entries import PolicyEntry
from policy.rendering import Rendering
from policy.template import Template

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True)
class SharedWork:
    """How much was done and how much of it was found done already."""

    rendered: int = 0
    assembled: int = 0
    shared: int = 0


class FleetCompiler:
    """Gives the same bundles as ``compile_namespace`` and keeps what it made for the next cluster or the next run.

    Renderings are shared between all namespaces of enforcement points with equal capabilities and template, bundles
    between those that also have equal entries in force. What was not asked for lately is forgotten first.
    """

    def __init__(self, *, max_renderings: int = 200_000, max_bundles: int = 20_000) -> None:
        self.work = SharedWork()
        self._max_renderings = max_renderings
        self._renderings: _Kept[tuple[Capabilities, Template], _Kept[PolicyEntry, Rendering]] = _Kept(256)
        self._bundles: _Kept[tuple[Capabilities, Template, str, tuple[PolicyEntry, ...]], Bundle] = _Kept(max_bundles)

    def compile_namespace(
        self,
        *,
        capabilities: Capabilities,
        template: Template,
        namespace: str,
        entries: Iterable[PolicyEntry],
        at: datetime,
    ) -> Bundle:
        """The bundle of one namespace; the same object where an equal one was made before."""
        living = tuple(entries_in_force(entries, at=at))
        key = (capabilities, template, namespace, living)
        known = self._bundles.get(key)
        if known is not None:
            self.work.shared += 1
            return known
        renderings = self._rendered(living, capabilities=capabilities, template=template)
        bundle = assemble_bundle(renderings, capabilities=capabilities, template=template, namespace=namespace)
        self.work.assembled += 1
        self._bundles.put(key, bundle)
        return bundle

    def _rendered(
        self, living: Iterable[PolicyEntry], *, capabilities: Capabilities, template: Template
    ) -> list[Rendering]:
        kept = self._renderings.get((capabilities, template))
        if kept is None:
            kept = _Kept(self._max_renderings)
            self._renderings.put((capabilities, template), kept)
        render = compiler_of(capabilities.dialect).render
        found = []
        for entry in living:
            rendering = kept.get(entry)
            if rendering is None:
                rendering = render(entry, capabilities=capabilities, template=template)
                kept.put(entry, rendering)
                self.work.rendered += 1
            found.append(rendering)
        return found


class _Kept(Generic[Key, Value]):
    """A bounded store that forgets what was used longest ago."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        self._values[key] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
