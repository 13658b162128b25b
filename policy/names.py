"""Domain names: IDNA 2008 strict, with the mapping of UTS 46 as help for what people type."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

import idna

from policy.confusables import is_confusable_with_ascii, scripts_of
from policy.errors import InvalidName

MAX_NAME = 253
MAX_LABEL = 63
_LABEL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")

WarningKind = Literal["mixed-script", "look-alike", "underscore"]


@dataclass(frozen=True, slots=True)
class NameWarning:
    """A reason to look twice at a name that is valid."""

    kind: WarningKind
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class CanonicalName:
    """One name in two spellings: ``ascii`` for machines (lower case, A-labels, no final dot), ``unicode`` for us."""

    ascii: str
    unicode: str
    warnings: tuple[NameWarning, ...] = ()


def canonical_name(text: str) -> CanonicalName:
    """Return the one canonical form of a name, or raise ``InvalidName`` with the rule it breaks as its code."""
    if len(text) > MAX_NAME:
        raise InvalidName(f"A name has at most {MAX_NAME} characters", code="name_too_long")
    mapped = _mapped(text).removesuffix(".")
    if not mapped:
        raise InvalidName("The name is empty", code="name_empty")
    pairs = [_canonical_label(label) for label in mapped.split(".")]
    _check_direction([unicode for _, unicode in pairs])
    name = ".".join(ascii_label for ascii_label, _ in pairs)
    if len(name) > MAX_NAME:
        raise InvalidName(f"The name has more than {MAX_NAME} characters as A-labels", code="name_too_long")
    _refuse_numbers(name)
    unicode_name = ".".join(unicode for _, unicode in pairs)
    return CanonicalName(ascii=name, unicode=unicode_name, warnings=_warnings(unicode_name))


def is_canonical_name(text: str) -> bool:
    try:
        return canonical_name(text).ascii == text
    except InvalidName:
        return False


def labels_of(name: str) -> list[str]:
    return name.split(".")


def is_below(name: str, base: str) -> bool:
    """Whether ``name`` lies under ``base``, at any depth and not the base itself."""
    return name.endswith("." + base)


def _mapped(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.uts46_remap(text, std3_rules=False, transitional=False)
    except idna.IDNAError as error:
        raise InvalidName(f"A character is not allowed in names: {error}", code="character_not_allowed") from error


def _canonical_label(label: str) -> tuple[str, str]:
    if not label:
        raise InvalidName("A label is empty: two dots stand together or the name begins with one", code="label_empty")
    if label.isascii() and not label.startswith("xn--"):
        return _plain_label(label), label
    try:
        encoded = idna.alabel(label).decode("ascii")
        decoded = idna.ulabel(encoded)
        again = idna.alabel(decoded).decode("ascii")
    except idna.IDNAError as error:
        raise InvalidName(f"The label {label!r} is not valid in IDNA 2008: {error}", code=_idna_code(error)) from error
    except UnicodeError as error:
        raise InvalidName(f"The label {label!r} is no valid A-label", code="label_not_idna") from error
    if again != encoded or len(encoded) > MAX_LABEL or decoded.isascii():
        raise InvalidName(f"The label {label!r} is no valid A-label", code="label_not_idna")
    return encoded, decoded


def _idna_code(error: idna.IDNAError) -> str:
    if isinstance(error, idna.IDNABidiError):
        return "direction_not_allowed"
    if isinstance(error, idna.InvalidCodepoint | idna.InvalidCodepointContext):
        return "character_not_allowed"
    return "label_too_long" if "too long" in str(error).lower() else "label_not_idna"


def _plain_label(label: str) -> str:
    if len(label) > MAX_LABEL:
        raise InvalidName(f"A label has at most {MAX_LABEL} characters", code="label_too_long")
    wrong = next((character for character in label if character not in _LABEL_CHARACTERS), None)
    if wrong is not None:
        raise InvalidName(f"The character {wrong!r} is not allowed in a name", code="character_not_allowed")
    if label[0] == "-" or label[-1] == "-":
        raise InvalidName(f"The label {label!r} begins or ends with a hyphen", code="hyphen_at_edge")
    if label[2:4] == "--":
        raise InvalidName(f"The label {label!r} has hyphens where only A-labels may", code="hyphens_reserved")
    return label


def _check_direction(labels: list[str]) -> None:
    # RFC 5893: one right-to-left label makes the whole name bidirectional, and then every label must obey the rule.
    if not any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for label in labels for character in label):
        return
    try:
        for label in labels:
            idna.check_bidi(label, check_ltr=True)
    except idna.IDNAError as error:
        raise InvalidName(f"The name mixes writing directions: {error}", code="direction_not_allowed") from error


def _refuse_numbers(name: str) -> None:
    last = name.rsplit(".", 1)[-1]
    if last.isdigit() or (last.startswith("0x") and all(digit in "0123456789abcdef" for digit in last[2:])):
        raise InvalidName("A name that ends in a number is read as an address", code="address_not_name")


def _warnings(unicode_name: str) -> tuple[NameWarning, ...]:
    found: list[NameWarning] = []
    for label in unicode_name.split("."):
        if label.isascii():
            if "_" in label:
                found.append(
                    NameWarning("underscore", label, f"{label!r} has an underscore, which some targets refuse")
                )
            continue
        found.extend(_label_warnings(label))
    return tuple(found)


def _label_warnings(label: str) -> list[NameWarning]:
    found = []
    scripts = scripts_of(label)
    if len(scripts) > 1:
        found.append(NameWarning("mixed-script", label, f"{label!r} mixes {' and '.join(sorted(scripts))} letters"))
    if is_confusable_with_ascii(label):
        found.append(NameWarning("look-alike", label, f"{label!r} can be mistaken for a name in plain letters"))
    return found
