"""YAML and JSON that people hand in, read strictly and as Kubernetes reads them.

No anchors, aliases, tags or duplicate keys; sizes and depths have limits. Plain scalars mean what the API server's
reader makes of them (YAML 1.1: ``on`` is true, ``010`` is eight); every such trap is reported with its path.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from policy.errors import DomainError

MAXIMUM_BYTES = 32 * 1024 * 1024
MAXIMUM_DEPTH = 64
MAXIMUM_NODES = 2_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_PLAIN_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_PLAIN_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+", re.ASCII)
_MAXIMUM_DIGITS = 64
_CORE_TAGS = {"tag:yaml.org,2002:str": "str", "!": "str"}


class BadDocument(DomainError):
    """A text that is no YAML or JSON which two careful readers would read alike; the message says where."""

    code = "bad_document"


@dataclass(frozen=True, slots=True)
class Trap:
    """A plain scalar that other readers take differently: quote it."""

    path: str
    text: str
    value: bool | int | float


@dataclass(frozen=True)
class Document:
    """One document of a stream, counted from one, with the traps that lie in it."""

    number: int
    value: Any
    traps: tuple[Trap, ...] = ()


def read_documents(content: bytes) -> Iterator[Document]:
    """The documents of a YAML stream, of one JSON text or of JSON lines; raises ``BadDocument`` at the first fault."""
    if len(content) > MAXIMUM_BYTES:
        raise BadDocument(f"The input is larger than {MAXIMUM_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDocument(f"The input is not UTF-8, at byte {error.start}") from error
    if text.lstrip()[:1] in ("{", "["):
        values = _json_values(text)
        if values is not None:
            return (Document(number, value) for number, value in enumerate(values, start=1))
    return _yaml_documents(text)


def read_json(text: str) -> Any:
    """One JSON value; refuses duplicate keys, numbers that are not finite, and depths that nobody writes."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise BadDocument("The JSON is nested too deeply") from error
    except ValueError as error:  # also JSONDecodeError, and integers of absurd length
        raise BadDocument(f"This is not JSON: {error}") from error
    _check_depth(value)
    return value


def _json_values(text: str) -> list[Any] | None:
    """The values of one JSON text or of JSON lines; None where the text is YAML that begins like JSON."""
    try:
        json.loads(text)
    except RecursionError as error:
        raise BadDocument("The JSON is nested too deeply") from error
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
            return None
        return [read_json(line) for line in lines]
    return [read_json(text)]


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAXIMUM_DEPTH):
        level = [
            part
            for member in level
            for part in (member.values() if isinstance(member, dict) else member)
            if isinstance(part, dict | list)
        ]
        if not level:
            return
    raise BadDocument(f"The JSON is nested more than {MAXIMUM_DEPTH} levels deep")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number


@dataclass
class _Open:
    """A list or object that is being read; ``key`` is the key whose value comes next."""

    value: list[Any] | dict[str, Any]
    path: str
    key: str | None = None


@dataclass
class _Builder:
    """Turns the events of one document into its value without recursion."""

    open: list[_Open] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    value: Any = None
    nodes: int = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.events.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.events.MappingStartEvent | yaml.events.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.events.MappingEndEvent | yaml.events.SequenceEndEvent):
            self.open.pop()

    def _begin(self, event: Any) -> None:
        _refuse_tag(event)
        path = self._path()
        fresh: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.events.MappingStartEvent) else []
        self._put(fresh, event)
        self.open.append(_Open(fresh, path))
        if len(self.open) > MAXIMUM_DEPTH:
            raise BadDocument(f"{_place(event)}: nested more than {MAXIMUM_DEPTH} levels deep")

    def _scalar(self, event: Any) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event)
            return
        value = event.value if not event.implicit[0] else resolve_plain(event.value)
        if event.tag is not None and event.tag not in _CORE_TAGS:
            raise BadDocument(f"{_place(event)}: tags such as {event.tag[:60]!r} are not allowed")
        if event.implicit[0] and is_trap(event.value, value):
            self.traps.append(Trap(self._path(), event.value, value))
        self._put(value, event)

    def _key(self, top: _Open, event: Any) -> None:
        _refuse_tag(event)
        if event.implicit[0] and not isinstance(resolve_plain(event.value), str):
            raise BadDocument(
                f"{_place(event)}: the key {event.value[:60]!r} is read as something else than text: quote it"
            )
        if event.value in top.value:
            raise BadDocument(f"{_place(event)}: the key {event.value[:60]!r} stands twice")
        top.key = event.value
        self._count(event)

    def _put(self, value: Any, event: Any) -> None:
        self._count(event)
        if not self.open:
            self.value = value
            return
        top = self.open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            raise BadDocument(f"{_place(event)}: a key must be text")
        else:
            top.value[top.key] = value
            top.key = None

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAXIMUM_NODES:
            raise BadDocument(f"{_place(event)}: more than {MAXIMUM_NODES} values in one document")

    def _path(self) -> str:
        if not self.open:
            return ""
        top = self.open[-1]
        if isinstance(top.value, list):
            return f"{top.path}[{len(top.value)}]"
        return f"{top.path}.{top.key}" if top.path else str(top.key)


def _yaml_documents(text: str) -> Iterator[Document]:
    number = 0
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise BadDocument(f"{_place(event)}: anchors and aliases are not allowed")
            if isinstance(event, yaml.events.DocumentStartEvent):
                number, builder = number + 1, _Builder()
            elif isinstance(event, yaml.events.DocumentEndEvent):
                yield Document(number, builder.value, tuple(builder.traps))
            else:
                builder.take(event)
    except yaml.YAMLError as error:
        raise BadDocument(f"This is not YAML: {_sentence(error)}") from error
    except (ValueError, RecursionError) as error:
        raise BadDocument("This is not YAML that can be read") from error


def resolve_plain(text: str) -> Any:
    """What the reader of Kubernetes makes of a plain scalar: YAML 1.1, with the additions of 1.2 for numbers."""
    if text in _NULL:
        return None
    word = text.lower()
    if word in _TRUE | _FALSE and text in (word, word.upper(), word.capitalize()):
        return word in _TRUE
    if _NOT_FINITE.fullmatch(text):
        raise BadDocument(f"{text!r} is read as a number that is not finite: quote it")
    if len(text) <= _MAXIMUM_DIGITS and _WHOLE.fullmatch(text):
        return _whole(text)
    if len(text) <= _MAXIMUM_DIGITS and _FLOAT.fullmatch(text):
        return _finite(text.replace("_", ""))
    return text


def is_trap(text: str, value: Any) -> bool:
    """Whether other readers would take the plain scalar for something else."""
    if isinstance(value, bool):
        return text not in ("true", "false")
    if isinstance(value, int):
        return not _PLAIN_WHOLE.fullmatch(text)
    return isinstance(value, float) and not _PLAIN_FLOAT.fullmatch(text)


def _whole(text: str) -> Any:
    digits = text.lstrip("+-").replace("_", "")
    sign = -1 if text.startswith("-") else 1
    for prefix, base in (("0b", 2), ("0o", 8), ("0x", 16)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base) if digits[2:] else text
    if digits.startswith("0") and len(digits) > 1:
        return sign * int(digits, 8) if set(digits) <= set("01234567") else float(sign * int(digits))
    return sign * int(digits)


def _refuse_tag(event: Any) -> None:
    if event.tag is not None and event.tag != "!":
        raise BadDocument(f"{_place(event)}: tags such as {event.tag[:60]!r} are not allowed")


def _place(event: Any) -> str:
    mark = event.start_mark
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _sentence(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    mark = getattr(error, "problem_mark", None)
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)
