"""Names that look like other names.

The idea is the skeleton of UTS 39: two names with one skeleton can be mistaken for each other. The table is our own
and small: the letters of Cyrillic, Greek, Armenian and Latin that attacks on domain names use, the digits that pass
for letters, and three pairs of letters that pass for one. It does not know the rest of Unicode (symbols are refused
by IDNA before this is asked), nor fonts, nor words that merely read alike (``examp1e-login``).
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Written as code points: the letters could not be told apart here, which is the point.
_LETTERS = {
    "a": "\u0430\u0251\u03b1\u0391\u0410",
    "b": "\u044c\u0184\u0185\u13cf",
    "c": "\u0441\u03f2\u1d04\u2ca5",
    "d": "\u0501\u0257\u0256",
    "e": "\u0435\u0454\u03b5\u04bd\u0259\u01dd",
    "f": "\u0192\u0584\u1e9d",
    "g": "\u0261\u0581\u0260\u018d",
    "h": "\u04bb\u0570\u04a3\u045b\u0452",
    "i": "\u0456\u0131\u03b9\u0269\u0268\u04cf",
    "j": "\u0458\u03f3\u0249",
    "k": "\u043a\u03ba\u0138\u0199\u049b",
    "l": "\u04c0\u0627\u05d5\u05df\u019a\u0142",
    "m": "\u043c\u0271",
    "n": "\u0578\u057c\u03b7\u0438\u043f\u014b\u0272",
    "o": "\u043e\u03bf\u0585\u03c3\u00f8\u0275\u0665\u06f5\u0d20\u1d0f",
    "p": "\u0440\u03c1\u00fe\u048f",
    "q": "\u051b\u0563\u0566\u02a0",
    "r": "\u0433\u1d26\u0491\u027c",
    "s": "\u0455\u01bd\ua731",
    "t": "\u0442\u03c4\u01ad\u0163\u0167",
    "u": "\u03c5\u057d\u1d1c\u028b",
    "v": "\u03bd\u0475\u1d20",
    "w": "\u0461\u051d\u0561\u03c9\u1d21\u0448",
    "x": "\u0445\u03c7\u04b3",
    "y": "\u0443\u04af\u03b3\u028f\u01b4",
    "z": "\u1d22\u0290\u01b6",
    "ss": "\u00df",
    "ae": "\u00e6\u04d5",
}
_TABLE = {ord(letter): plain for plain, letters in _LETTERS.items() for letter in letters}
_DIGITS = {ord("0"): "o", ord("1"): "l", ord("3"): "e", ord("5"): "s", ord("i"): "l", ord("j"): "l"}
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_COMMON = frozenset("0123456789-_.")
# Scripts that are written together in one language.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)


def _plain_letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.translate(_TABLE))
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return bare.translate(_TABLE)


@lru_cache(maxsize=65_536)
def skeleton(name: str) -> str:
    """A form that names share when they look alike; of use for comparing only."""
    bare = _plain_letters(name)
    for pair, letter in _PAIRS:
        bare = bare.replace(pair, letter)
    return bare.translate(_DIGITS)


def is_confusable_with_ascii(label: str) -> bool:
    """Whether a label that is not plain ASCII could be read as one, once look-alikes and accents are taken away."""
    return not label.isascii() and _plain_letters(label).isascii()


def look_alikes(name: str, *, known: Iterable[str]) -> tuple[str, ...]:
    """The known names that ``name`` (in Unicode) could be mistaken for; a name never looks like itself."""
    own = skeleton(name)
    return tuple(sorted(other for other in set(known) if other != name and skeleton(other) == own))


def scripts_of(label: str) -> frozenset[str]:
    """The scripts whose mixture in one label is unusual; empty or one script means nothing to warn about.

    Python has no script property: the first word of a letter's Unicode name stands in for it.
    """
    scripts = frozenset(
        _script(letter) for letter in label if letter not in _COMMON and not unicodedata.combining(letter)
    )
    if any(scripts <= together for together in _TOGETHER):
        return frozenset({"CJK"})
    return scripts


def _script(letter: str) -> str:
    first = unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0]
    return "CJK" if first == "IDEOGRAPHIC" else first.removesuffix("-HIRAGANA")
