"""What compilers return: objects with their hash, and for each entry how faithfully the target carries it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from policy.capacity import CapacityLine

Json = dict[str, Any]
Verdict = Literal["exact", "narrowed", "widened", "impossible"]


def canonical_json(value: object) -> bytes:
    """The one text of a value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How the target's meaning relates to the entry's, and names or addresses that show the difference."""

    verdict: Verdict
    reason: str
    witnesses: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        return self.verdict == "exact"


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one entry alone becomes in a dialect; its hash is part of the effect that an approval binds to."""

    passport: str
    dialect: str
    rendered: str

    @property
    def hash(self) -> str:
        return sha256(f"{self.dialect}\0{self.passport}\0{self.rendered}".encode())


@dataclass(frozen=True)
class Bundle:
    """Everything that one namespace of one enforcement point must carry, in a fixed order."""

    dialect: str
    namespace: str
    template_version: str
    objects: tuple[Json, ...]
    fidelity: Mapping[str, Fidelity]
    capacity: tuple[CapacityLine, ...] = field(default=(), compare=False)

    @cached_property
    def hash(self) -> str:
        """A hash of the hashes of the objects, so that two bundles are compared without their content."""
        content = {
            "dialect": self.dialect,
            "namespace": self.namespace,
            "objects": [sha256(canonical_json(item)) for item in self.objects],
            "template": self.template_version,
        }
        return sha256(canonical_json(content))

    def as_json(self) -> bytes:
        """The objects and the fidelity report as canonical JSON."""
        return canonical_json(
            {
                "dialect": self.dialect,
                "fidelity": {
                    passport: {"reason": one.reason, "verdict": one.verdict, "witnesses": list(one.witnesses)}
                    for passport, one in self.fidelity.items()
                },
                "hash": self.hash,
                "namespace": self.namespace,
                "objects": list(self.objects),
                "template": self.template_version,
            }
        )


def sorted_objects(objects: Iterable[Json]) -> tuple[Json, ...]:
    """Objects by group, kind and name: the order in which a bundle holds them."""
    return tuple(sorted(objects, key=lambda item: (item["apiVersion"], item["kind"], item["metadata"]["name"])))
