"""Label selectors with Kubernetes' meaning, over labels that may be only partly known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.simulation.truth import Truth, every, truth_of

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"
_NEGATIVE = frozenset({"NotIn", "DoesNotExist"})


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one object; where ``is_complete`` is false an absent key means "not known"."""

    values: Mapping[str, str]
    is_complete: bool = True


NOTHING_KNOWN = Labels({}, is_complete=False)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key: ``NotIn`` and ``DoesNotExist`` hold for a missing key; an empty value is no such."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def judge(self, labels: Labels) -> Truth:
        value = labels.values.get(self.key)
        if value is None and not labels.is_complete:
            return Truth.UNKNOWN
        if self.operator == "In":
            return truth_of(value is not None and value in self.values)
        if self.operator == "NotIn":
            return truth_of(value is None or value not in self.values)
        return truth_of((value is not None) == (self.operator == "Exists"))

    @property
    def is_negative(self) -> bool:
        return self.operator in _NEGATIVE


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all hold; without any, everything is selected."""

    requirements: tuple[Requirement, ...] = ()

    def judge(self, labels: Labels) -> Truth:
        return every(requirement.judge(labels) for requirement in self.requirements)

    @property
    def is_empty(self) -> bool:
        return not self.requirements

    @property
    def is_negative(self) -> bool:
        """Whether it asks only for things to be absent, so that an object without any label is selected."""
        return all(requirement.is_negative for requirement in self.requirements)

    @property
    def pair(self) -> tuple[str, str] | None:
        """A label that everything selected must carry, where there is one: the key for an index."""
        for requirement in self.requirements:
            if requirement.operator == "In" and len(requirement.values) == 1:
                return requirement.key, next(iter(requirement.values))
        return None

    def value_of(self, key: str) -> str | None:
        """The one value that the selector demands for ``key``, where it demands one."""
        for requirement in self.requirements:
            if requirement.key == key and requirement.operator == "In" and len(requirement.values) == 1:
                return next(iter(requirement.values))
        return None


EVERYTHING = Selector()


def parse_label_selector(manifest: Mapping[str, Any] | None) -> Selector:
    """The selector of a manifest; absent and ``{}`` both select everything."""
    if not manifest:
        return EVERYTHING
    pairs = (manifest.get("matchLabels") or {}).items()
    found = [Requirement(str(key), "In", frozenset({str(value)})) for key, value in pairs]
    for expression in manifest.get("matchExpressions") or ():
        values = frozenset(str(value) for value in expression.get("values") or ())
        found.append(Requirement(str(expression.get("key")), str(expression.get("operator")), values))
    return Selector(tuple(found))
