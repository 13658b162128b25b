"""The selector language of Calico, read strictly: ``app == 'web' && tier in {'a', 'b'} || !has(old)``."""

import string
from dataclasses import dataclass, field

from policy.validation.schema import quoted

_LABEL = frozenset(string.ascii_letters + string.digits + "_./-")
_MAXIMUM_LABEL = 512
_SYMBOLS = ("==", "!=", "&&", "||", "(", ")", "{", "}", ",", "!")
_COMPARISONS = ("contains", "starts with", "ends with", "not in", "in")
# Deeper than this nobody writes; the limit keeps hostile text from using up the stack.
_MAXIMUM_DEPTH = 50
_MAXIMUM_TOKENS = 20_000


class BadSelector(ValueError):
    """A text that is no selector; the message says where it stops being one."""


@dataclass(frozen=True)
class Token:
    """One piece of a selector: a symbol or word by itself, a label, a string, or a function."""

    kind: str
    value: str = ""


@dataclass
class _Reader:
    """Tokens that are read once, from left to right."""

    tokens: list[Token]
    position: int = 0
    functions: list[str] = field(default_factory=list)

    def peek(self) -> Token:
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.tokens[self.position]
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def expect(self, kind: str, wanted: str) -> Token:
        token = self.next()
        if token.kind != kind:
            raise BadSelector(f"expected {wanted}, not {_shown(token)}")
        return token


def selector_problem(text: str) -> str | None:
    """What keeps the text from being a selector; an empty one selects everything."""
    try:
        functions_of(text)
    except BadSelector as problem:
        return f"{quoted(text)} is no selector: {problem}"
    return None


def functions_of(text: str) -> list[str]:
    """The functions that the selector calls (``all``, ``global``, ``has``), or ``BadSelector``."""
    reader = _Reader(tokenize(text))
    if reader.peek().kind == "end":
        return []
    _or(reader, depth=0)
    if reader.peek().kind != "end":
        raise BadSelector(f"unexpected {_shown(reader.peek())} after the end")
    return reader.functions


def tokenize(text: str) -> list[Token]:
    """The tokens of a selector, with an ``end`` token last."""
    tokens: list[Token] = []
    position = 0
    while True:
        while position < len(text) and text[position] in " \t":
            position += 1
        if position >= len(text):
            return [*tokens, Token("end")]
        if len(tokens) >= _MAXIMUM_TOKENS:
            raise BadSelector("it is too long")
        token, position = _token(text, position, after_label=bool(tokens) and tokens[-1].kind == "label")
        tokens.append(token)


def _token(text: str, position: int, *, after_label: bool) -> tuple[Token, int]:
    character = text[position]
    if character in "'\"":
        end = text.find(character, position + 1)
        if end < 0:
            raise BadSelector("a string has no closing quote")
        return Token("string", text[position + 1 : end]), end + 1
    for symbol in _SYMBOLS:
        if text.startswith(symbol, position):
            return Token(symbol), position + len(symbol)
    return _comparison(text, position) if after_label else _word(text, position)


def _comparison(text: str, position: int) -> tuple[Token, int]:
    for comparison in _COMPARISONS:
        place = position
        for part in comparison.split(" "):
            while place < len(text) and text[place] in " \t":
                place += 1
            if not text.startswith(part, place):
                break
            place += len(part)
        else:
            return Token(comparison), place
    raise BadSelector("a label must be followed by a comparison")


def _word(text: str, position: int) -> tuple[Token, int]:
    for function in ("has", "all", "global"):
        if text.startswith(f"{function}(", position):
            return _function(text, position + len(function) + 1, name=function)
    end = _end_of_label(text, position)
    if end == position:
        raise BadSelector(f"unexpected character {text[position]!r}")
    return Token("label", text[position:end]), end


def _function(text: str, position: int, *, name: str) -> tuple[Token, int]:
    start = len(text) - len(text[position:].lstrip(" \t"))
    end = _end_of_label(text, start) if name == "has" else start
    if name == "has" and end == start:
        raise BadSelector("has() needs a label")
    close = len(text) - len(text[end:].lstrip(" \t"))
    if not text.startswith(")", close):
        raise BadSelector(f"{name}( is not closed")
    return Token("function", name), close + 1


def _end_of_label(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] in _LABEL:
        end += 1
    if end - start > _MAXIMUM_LABEL:
        raise BadSelector("a label is too long")
    return end


def _or(reader: _Reader, *, depth: int) -> None:
    _and(reader, depth=depth)
    while reader.peek().kind == "||":
        reader.next()
        _and(reader, depth=depth)


def _and(reader: _Reader, *, depth: int) -> None:
    _operation(reader, depth=depth)
    while reader.peek().kind == "&&":
        reader.next()
        _operation(reader, depth=depth)


def _operation(reader: _Reader, *, depth: int) -> None:
    while reader.peek().kind == "!":
        reader.next()
    token = reader.next()
    if token.kind == "function":
        reader.functions.append(token.value)
    elif token.kind == "label":
        _condition(reader)
    elif token.kind == "(":
        if depth >= _MAXIMUM_DEPTH:
            raise BadSelector("it is nested too deeply")
        _or(reader, depth=depth + 1)
        reader.expect(")", "a closing parenthesis")
    else:
        raise BadSelector(f"expected a condition, not {_shown(token)}")


def _condition(reader: _Reader) -> None:
    comparison = reader.next()
    if comparison.kind in ("in", "not in"):
        _set(reader)
    elif comparison.kind in ("==", "!=", "contains", "starts with", "ends with"):
        reader.expect("string", "a value in quotes")
    else:
        raise BadSelector(f"a label must be followed by a comparison, not {_shown(comparison)}")


def _set(reader: _Reader) -> None:
    reader.expect("{", "a set in braces")
    while reader.peek().kind == "string":
        reader.next()
        if reader.peek().kind != ",":
            break
        reader.next()
    reader.expect("}", "a closing brace")


def _shown(token: Token) -> str:
    if token.kind == "end":
        return "the end"
    return quoted(token.value) if token.value else repr(token.kind)
