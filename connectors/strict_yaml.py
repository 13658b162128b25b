"""YAML read so that nothing is guessed: mappings, lists and text, and nothing by which a short document could grow."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from connectors.errors import InvalidAccess, Problem

Node = dict[str, "Node"] | list["Node"] | str | None

MAX_BYTES = 1 << 20
MAX_DEPTH = 12
MAX_NODES = 20_000

_EMPTY_SCALARS = frozenset({"", "~", "null", "Null", "NULL"})


def read_document(text: str) -> Node:
    """The one document in ``text``, every scalar as the text that was written (a plain empty or ``null`` as ``None``).

    Anchors, aliases, tags, duplicate keys, several documents, and documents too large or too deep raise
    ``InvalidAccess``; no message quotes the document, for it may hold credentials.
    """
    if len(text.encode("utf-8", errors="surrogatepass")) > MAX_BYTES:
        raise _refused("", f"the document is larger than {MAX_BYTES >> 10} KiB")
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.YAMLError as error:
        raise _refused("", f"this is not readable as YAML{_position(error)}") from None
    except RecursionError:
        raise _refused("", "the document is nested too deeply") from None


def joined(path: str, key: str) -> str:
    """The path of ``key`` below ``path``, for messages: a secret pasted where a key belongs is not repeated."""
    is_plain = len(key) <= 28 and key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    shown = key if is_plain else "…"
    return f"{path}.{shown}" if path else shown


def _refused(field: str, message: str) -> InvalidAccess:
    return InvalidAccess((Problem(field, message),))


def _position(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark is not None else ""


class _Reader:
    """Builds the tree from parser events, where anchors and tags are still visible."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._nodes = 0

    def document(self) -> Node:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        tree = self._node(next(self._events), path="", depth=0)
        next(self._events)  # the end of the document
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise _refused("", "there is more than one document; give exactly one")
        return tree

    def _node(self, event: yaml.Event, *, path: str, depth: int) -> Node:
        self._check(event, path=path, depth=depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path=path, depth=depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path=path, depth=depth)
        return _scalar(event)

    def _check(self, event: yaml.Event, *, path: str, depth: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _refused(path, "the document has too many parts")
        if depth > MAX_DEPTH:
            raise _refused(path, "the document is nested too deeply")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused(path, "anchors and aliases are not accepted; write the value out")
        if getattr(event, "tag", None) is not None:
            raise _refused(path, "tags are not accepted")

    def _mapping(self, *, path: str, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            self._check(event, path=path, depth=depth + 1)
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused(path, "a key must be plain text")
            key = str(event.value)
            inner = joined(path, key)
            if key in found:
                raise _refused(inner, "given twice")
            found[key] = self._node(next(self._events), path=inner, depth=depth + 1)
        return found

    def _sequence(self, *, path: str, depth: int) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, path=f"{path}[{len(found)}]", depth=depth + 1))
        return found


def _scalar(event: yaml.Event) -> str | None:
    text = str(event.value) if isinstance(event, yaml.ScalarEvent) else ""
    is_plain = isinstance(event, yaml.ScalarEvent) and event.style is None
    return None if is_plain and text in _EMPTY_SCALARS else text
