"""Calico's selector language: a small grammar read by hand in linear time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from policy.simulation.selectors import Labels
from policy.simulation.truth import Truth, every, negate, some, truth_of

Judge = Callable[[Labels], Truth]
MAXIMUM_LENGTH = 4_096
MAXIMUM_DEPTH = 64
_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")
_SYMBOLS = ("&&", "||", "==", "!=", "!", "(", ")", "{", "}", ",")


class BadSelector(ValueError):
    """A text that Calico refuses as a selector."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


@dataclass(frozen=True)
class CalicoSelector:
    """A parsed selector; ``pairs`` are labels that everything selected must carry."""

    text: str
    judge: Judge = field(compare=False)
    pairs: Mapping[str, str] = field(compare=False)
    is_global: bool = False


def parse_calico_selector(text: str) -> CalicoSelector:
    """Read a selector; the empty one selects everything."""
    if len(text) > MAXIMUM_LENGTH:
        raise BadSelector(f"a selector has at most {MAXIMUM_LENGTH} characters")
    if not text.strip():
        return CalicoSelector(text, lambda labels: Truth.YES, {})
    tokens = _tokens(text)
    reader = _Reader(tokens)
    judge = reader.disjunction(0)
    reader.expect_end()
    is_global = [token.text for token in tokens] == ["global", "(", ")"]
    return CalicoSelector(text, judge, {} if reader.has_choice else dict(reader.pairs), is_global=is_global)


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if letter.isspace():
            place += 1
            continue
        if letter in "'\"":
            end = text.find(letter, place + 1)
            if end < 0:
                raise BadSelector("a quoted value has no end")
            found.append(Token("value", text[place + 1 : end]))
            place = end + 1
            continue
        symbol = next((one for one in _SYMBOLS if text.startswith(one, place)), None)
        if symbol is not None:
            found.append(Token("symbol", symbol))
            place += len(symbol)
            continue
        place = _word(text, place, found)
    return found


def _word(text: str, place: int, found: list[Token]) -> int:
    end = place
    while end < len(text) and text[end] in _KEY:
        end += 1
    if end == place:
        raise BadSelector(f"{text[place]!r} has no meaning here")
    found.append(Token("word", text[place:end]))
    return end


class _Reader:
    """Recursive descent over the tokens: ``||`` binds least, then ``&&``, then ``!``."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self.pairs: dict[str, str] = {}
        self.has_choice = False

    def disjunction(self, depth: int) -> Judge:
        if depth > MAXIMUM_DEPTH:
            raise BadSelector("the selector is nested too deeply")
        members = [self._conjunction(depth)]
        while self._take("||"):
            self.has_choice = True
            members.append(self._conjunction(depth))
        return members[0] if len(members) == 1 else lambda labels: some(member(labels) for member in members)

    def expect_end(self) -> None:
        if self._place < len(self._tokens):
            raise BadSelector(f"{self._tokens[self._place].text!r} is left over")

    def _conjunction(self, depth: int) -> Judge:
        members = [self._term(depth)]
        while self._take("&&"):
            members.append(self._term(depth))
        return members[0] if len(members) == 1 else lambda labels: every(member(labels) for member in members)

    def _term(self, depth: int) -> Judge:
        negations = 0
        while self._take("!"):
            negations += 1
            self.has_choice = True
        inner = self._atom(depth)
        return (lambda labels: negate(inner(labels))) if negations % 2 else inner

    def _atom(self, depth: int) -> Judge:
        if self._take("("):
            inner = self.disjunction(depth + 1)
            self._require(")")
            return inner
        word = self._next("word")
        if word in {"all", "global"} and self._take("("):
            self._require(")")
            return lambda labels: Truth.YES
        if word == "has" and self._take("("):
            key = self._next("word")
            self._require(")")
            return lambda labels: _present(labels, key)
        return self._comparison(word)

    def _comparison(self, key: str) -> Judge:
        if self._take("=="):
            value = self._next("value")
            self.pairs[key] = value
            return _test(key, lambda found: found == value, absent=False)
        if self._take("!="):
            value = self._next("value")
            return _test(key, lambda found: found != value, absent=True)
        operator = self._next("word")
        if operator == "in":
            chosen = self._set()
            return _test(key, lambda found: found in chosen, absent=False)
        if operator == "not":
            self._require_word("in")
            excluded = self._set()
            return _test(key, lambda found: found not in excluded, absent=True)
        return self._text_test(key, operator)

    def _text_test(self, key: str, operator: str) -> Judge:
        if operator == "contains":
            part = self._next("value")
            return _test(key, lambda found: part in found, absent=False)
        if operator not in {"starts", "ends"}:
            raise BadSelector(f"{operator!r} is no operator")
        self._require_word("with")
        edge = self._next("value")
        if operator == "starts":
            return _test(key, lambda found: found.startswith(edge), absent=False)
        return _test(key, lambda found: found.endswith(edge), absent=False)

    def _set(self) -> frozenset[str]:
        self._require("{")
        values: set[str] = set()
        while not self._take("}"):
            values.add(self._next("value"))
            if not self._take(","):
                self._require("}")
                break
        return frozenset(values)

    def _take(self, symbol: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == Token("symbol", symbol):
            self._place += 1
            return True
        return False

    def _require(self, symbol: str) -> None:
        if not self._take(symbol):
            raise BadSelector(f"{symbol!r} is missing")

    def _require_word(self, word: str) -> None:
        if self._next("word") != word:
            raise BadSelector(f"{word!r} is missing")

    def _next(self, kind: str) -> str:
        if self._place >= len(self._tokens) or self._tokens[self._place].kind != kind:
            raise BadSelector(f"a {kind} is missing")
        self._place += 1
        return self._tokens[self._place - 1].text


def _present(labels: Labels, key: str) -> Truth:
    if key in labels.values:
        return Truth.YES
    return Truth.NO if labels.is_complete else Truth.UNKNOWN


def _test(key: str, test: Callable[[str], bool], *, absent: bool) -> Judge:
    def judge(labels: Labels) -> Truth:
        value = labels.values.get(key)
        if value is None:
            return truth_of(absent) if labels.is_complete else Truth.UNKNOWN
        return truth_of(test(value))

    return judge
