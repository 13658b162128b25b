"""Text that came from outside: what may be stored, shown and compared, and what never may."""

from __future__ import annotations

import unicodedata

from accounts.errors import InvalidText

LINE_BREAKS = "\n\r\t"
# Marks that reorder or hide what a reader sees: embeddings, overrides, isolates, zero-width and byte-order marks.
DECEPTIVE = frozenset(
    "\u200b\u2060\ufeff\u200e\u200f\u061c" + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
)


def fault_in(text: str) -> str:
    """Why the text is not acceptable anywhere, in words; empty when it is."""
    for character in text:
        if character in LINE_BREAKS:
            continue
        category = unicodedata.category(character)
        if category == "Cc":
            return "It contains a control character."
        if category == "Cs":
            return "It contains half of a character."
        if character in DECEPTIVE:
            return "It contains an invisible or reordering character."
    return ""


def clean_line(text: str, *, field: str, max_length: int, required: bool = True) -> str:
    """The text on one line, trimmed; refused where it is empty, too long or deceptive."""
    joined = " ".join(_checked(text, field=field, max_length=max_length).split())
    if required and not joined:
        raise InvalidText("It must not be empty.", field=field)
    return joined


def clean_text(text: str, *, field: str, max_length: int, required: bool = True) -> str:
    """The text with its line breaks in one form, trimmed; refused where it is empty, too long or deceptive."""
    trimmed = _checked(text, field=field, max_length=max_length).replace("\r\n", "\n").replace("\r", "\n").strip()
    if required and not trimmed:
        raise InvalidText("It must not be empty.", field=field)
    return trimmed


def _checked(text: str, *, field: str, max_length: int) -> str:
    if len(text) > max_length:
        raise InvalidText(f"It has more than {max_length} characters.", field=field)
    if fault := fault_in(text):
        raise InvalidText(fault, field=field)
    return text
