"""A small language for the shape of manifests: what a strict API server refuses before any controller reads the object.

A shape yields problems, each with the path of the field. As on the server, ``null`` is the same as absent, an unknown
field is an error even then, and the checks of meaning run only on what has the right shape.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Problem = tuple[str, str]
TextCheck = Callable[[str], str | None]
ObjectCheck = Callable[[Mapping[str, Any], str], Iterable[Problem]]


class Shape(Protocol):
    """What a value must look like."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        """Every problem of the value, which lies at ``path``."""
        ...


@dataclass(frozen=True)
class Text:
    """A text, perhaps of a fixed choice; ``check`` answers what is wrong with it."""

    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    check: TextCheck | None = None

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield path, f"must be text, not {kind_of(value)}"
        elif self.choices and value not in self.choices:
            yield path, f"{quoted(value)} is not supported, use one of {', '.join(self.choices)}"
        elif len(value) < self.minimum:
            yield path, f"must have at least {self.minimum} characters"
        elif self.maximum is not None and len(value) > self.maximum:
            yield path, f"must have at most {self.maximum} characters"
        elif self.check and (problem := self.check(value)):
            yield path, problem


@dataclass(frozen=True)
class Whole:
    """A whole number; true and false are no numbers."""

    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[int, ...] = ()

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield path, f"must be a whole number, not {kind_of(value)}"
        elif self.choices and value not in self.choices:
            yield path, f"{value} is not supported, use one of {', '.join(map(str, self.choices))}"
        else:
            yield from _out_of_range(value, path, minimum=self.minimum, maximum=self.maximum)


@dataclass(frozen=True)
class Number:
    """Any number; true and false are none."""

    minimum: float | None = None
    maximum: float | None = None

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield path, f"must be a number, not {kind_of(value)}"
        else:
            yield from _out_of_range(value, path, minimum=self.minimum, maximum=self.maximum)


@dataclass(frozen=True)
class Flag:
    """True or false, and no text that reads like it."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield path, f"must be true or false, not {kind_of(value)}"


@dataclass(frozen=True)
class WholeOrText:
    """A number or a name, such as a port."""

    whole: Whole = field(default_factory=Whole)
    text: Text = field(default_factory=Text)

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, str):
            yield from self.text.problems(value, path)
        elif isinstance(value, bool) or not isinstance(value, int):
            yield path, f"must be a whole number or text, not {kind_of(value)}"
        else:
            yield from self.whole.problems(value, path)


@dataclass(frozen=True)
class Items:
    """A list; ``is_set`` refuses equal members, ``unique_by`` equal values of one field."""

    item: Shape
    minimum: int = 0
    maximum: int | None = None
    is_set: bool = False
    unique_by: str | None = None

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, list | tuple):
            yield path, f"must be a list, not {kind_of(value)}"
            return
        if len(value) < self.minimum:
            yield path, f"must have at least {self.minimum} item{'s' if self.minimum > 1 else ''}"
        if self.maximum is not None and len(value) > self.maximum:
            yield path, f"must have at most {self.maximum} items, not {len(value)}"
            return
        for number, member in enumerate(value):
            yield from self.item.problems(member, f"{path}[{number}]")
        yield from self._duplicates(value, path)

    def _duplicates(self, members: Iterable[Any], path: str) -> Iterator[Problem]:
        if not self.is_set and self.unique_by is None:
            return
        seen: set[str] = set()
        for number, member in enumerate(members):
            key = member.get(self.unique_by) if self.unique_by and isinstance(member, Mapping) else member
            if isinstance(key, str) and key in seen:
                yield f"{path}[{number}]", f"{quoted(key)} stands there twice"
            elif isinstance(key, str):
                seen.add(key)


@dataclass(frozen=True)
class Object:
    """An object with known fields only; ``check`` looks at the meaning of one that has the right shape."""

    fields: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    exactly_one: tuple[str, ...] = ()
    check: ObjectCheck | None = None

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield path, f"must be an object, not {kind_of(value)}"
            return
        found = list(self._shape_problems(value, path))
        yield from found
        if not found and self.check:
            yield from self.check(value, path)

    def _shape_problems(self, value: Mapping[str, Any], path: str) -> Iterator[Problem]:
        given = {key: part for key, part in value.items() if part is not None}
        for key, part in value.items():
            shape = self.fields.get(key) if isinstance(key, str) else None
            if shape is None:
                yield below(path, key), "unknown field"
            elif part is not None:
                yield from shape.problems(part, below(path, key))
        for key in self.required:
            if key not in given:
                yield below(path, key), "required"
        yield from self._count_problems(given, path)

    def _count_problems(self, given: Mapping[str, Any], path: str) -> Iterator[Problem]:
        chosen = [key for key in self.exactly_one if key in given]
        if self.exactly_one and len(chosen) != 1:
            have = " and ".join(chosen) or "none"
            yield path, f"must have exactly one of {', '.join(self.exactly_one)}, not {have}"
        if len(given) < self.minimum:
            yield path, f"must have at least {self.minimum} field{'s' if self.minimum > 1 else ''}"
        if self.maximum is not None and len(given) > self.maximum:
            yield path, f"must have at most {self.maximum} field{'s' if self.maximum > 1 else ''}, not {len(given)}"


@dataclass(frozen=True)
class TextMap:
    """An object whose keys are free; ``key`` answers what is wrong with one."""

    value: Shape = field(default_factory=Text)
    key: TextCheck | None = None
    maximum: int | None = None

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield path, f"must be an object, not {kind_of(value)}"
            return
        if self.maximum is not None and len(value) > self.maximum:
            yield path, f"must have at most {self.maximum} entries"
        for key, part in value.items():
            here = f"{path}[{shortened(key) if isinstance(key, str) else key}]"
            if not isinstance(key, str):
                yield here, f"the key must be text, not {kind_of(key)}"
            elif self.key and (problem := self.key(key)):
                yield here, problem
            yield from self.value.problems(part, here)


@dataclass(frozen=True)
class Anything:
    """A value that is not judged here."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        yield from ()


def below(path: str, key: object) -> str:
    """The path of a field of the object at ``path``."""
    name = shortened(key) if isinstance(key, str) else str(key)
    return f"{path}.{name}" if path else name


def kind_of(value: Any) -> str:
    """What a reader of YAML would call the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def shortened(text: str) -> str:
    """The text, cut to what a message can carry."""
    return text if len(text) <= 100 else text[:97] + "..."


def quoted(text: str) -> str:
    """The text in quotes, with everything unprintable escaped, cut to what a message can carry."""
    return repr(shortened(text))


def _out_of_range(value: float, path: str, *, minimum: float | None, maximum: float | None) -> Iterator[Problem]:
    # Written so that a number which compares with nothing (NaN) is out of every range.
    if minimum is not None and not value >= minimum:
        yield path, f"must be at least {minimum:g}"
    elif maximum is not None and not value <= maximum:
        yield path, f"must be at most {maximum:g}"
