"""Text from outside: cleaned where that is harmless, refused where it would deceive or break something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import InvalidText
from accounts.text import clean_line, clean_text, fault_in


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\ud800", "\u202e", "\u2066", "\ufeff", "\u200b"]
)
def test_characters_that_deceive_or_break_are_refused(character: str) -> None:
    assert fault_in(f"a{character}b")
    with pytest.raises(InvalidText):
        clean_line(f"a{character}b", field="name", max_length=10)


@pytest.mark.parametrize("text", ["plain", "Ümläut", "日本語", "🙂", "👩‍👩‍👧", "שלום", "a\tb\nc"])
def test_ordinary_text_of_any_script_is_fine(text: str) -> None:
    assert fault_in(text) == ""


def test_a_line_is_trimmed_and_has_no_breaks() -> None:
    assert clean_line("  a \r\n b\t c ", field="name", max_length=20) == "a b c"


def test_a_text_keeps_its_breaks_in_one_form() -> None:
    assert clean_text(" a\r\nb\rc \n", field="reason", max_length=20) == "a\nb\nc"


@pytest.mark.parametrize("clean", [clean_line, clean_text])
def test_empty_and_too_long_are_said_for_the_field(clean) -> None:
    for text in (" \n ", "a" * 11):
        with pytest.raises(InvalidText) as caught:
            clean(text, field="reason", max_length=10)
        assert list(caught.value.details["fields"]) == ["reason"]
    assert clean("", field="reason", max_length=10, required=False) == ""


@given(st.text())
def test_whatever_passes_can_be_stored_and_shown(text: str) -> None:
    if not fault_in(text):
        assert "\x00" not in text
        text.encode("utf-8")
