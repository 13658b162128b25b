"""Names: what is canonical, what is refused and why, and what deserves a second look."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.confusables import look_alikes, scripts_of, skeleton
from policy.errors import InvalidName
from policy.names import canonical_name, is_below, is_canonical_name


@pytest.mark.parametrize(
    ("text", "ascii_name", "unicode_name"),
    [
        ("example.com", "example.com", "example.com"),
        ("EXAMPLE.Com", "example.com", "example.com"),
        ("example.com.", "example.com", "example.com"),
        ("exämple.com", "xn--exmple-cua.com", "exämple.com"),
        ("faß.de", "xn--fa-hia.de", "faß.de"),
        ("ＦＵＬＬ.com", "full.com", "full.com"),
        ("a。b", "a.b", "a.b"),
        ("soft\u00adhyphen.com", "softhyphen.com", "softhyphen.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example"),
        ("_dmarc.example.com", "_dmarc.example.com", "_dmarc.example.com"),
        ("日本語.jp", "xn--wgv71a119e.jp", "日本語.jp"),
        ("נ.com", "xn--leb.com", "נ.com"),
        ("a" * 63 + ".com", "a" * 63 + ".com", "a" * 63 + ".com"),
    ],
)
def test_a_name_has_one_canonical_form(text, ascii_name, unicode_name):
    name = canonical_name(text)

    assert (name.ascii, name.unicode) == (ascii_name, unicode_name)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "name_empty"),
        (".", "name_empty"),
        ("a" * 254, "name_too_long"),
        (".".join(["ä" * 20] * 10), "name_too_long"),
        ("a..b", "label_empty"),
        (".a.com", "label_empty"),
        ("a.com..", "label_empty"),
        ("a" * 64 + ".com", "label_too_long"),
        ("-a.com", "hyphen_at_edge"),
        ("a-.com", "hyphen_at_edge"),
        ("ab--c.com", "hyphens_reserved"),
        ("xn--a.com", "character_not_allowed"),
        ("xn--.com", "label_not_idna"),
        ("xn--example-.com", "label_not_idna"),
        ("☃.net", "character_not_allowed"),
        ("a b.com", "character_not_allowed"),
        ("a\x00.com", "character_not_allowed"),
        ("a\u200db.com", "character_not_allowed"),
        ("exa!mple.com", "character_not_allowed"),
        ("*.example.com", "character_not_allowed"),
        ("0à.א", "direction_not_allowed"),
        ("1.2.3.4", "address_not_name"),
        ("host.0x7f", "address_not_name"),
    ],
)
def test_what_is_no_name_is_refused_by_the_rule_it_breaks(text, code):
    with pytest.raises(InvalidName) as refusal:
        canonical_name(text)

    assert refusal.value.code == code


@given(st.text(max_size=80))
def test_the_canonical_form_is_its_own_canonical_form(text):
    try:
        name = canonical_name(text)
    except InvalidName:
        return

    assert canonical_name(name.ascii).ascii == name.ascii
    assert canonical_name(name.unicode).ascii == name.ascii
    assert is_canonical_name(name.ascii)
    assert len(name.ascii) <= 253


@pytest.mark.parametrize("text", ["a-" * 126 + "!", "xn--" + "a" * 249, "ä" * 253, "." * 253, "a" * 1_000_000])
def test_a_long_bad_name_is_refused_quickly(text):
    started = time.perf_counter()

    with pytest.raises(InvalidName):
        canonical_name(text)

    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("paypal.com", set()),
        ("p\u0430ypal.com", {"mixed-script", "look-alike"}),
        ("\u0430\u0440\u0440\u04cf\u0435.com", {"look-alike"}),
        ("例え.jp", set()),
        ("bücher.de", {"look-alike"}),
        ("my_host.example.com", {"underscore"}),
    ],
)
def test_a_name_that_can_mislead_gives_a_warning(text, kinds):
    assert {warning.kind for warning in canonical_name(text).warnings} == kinds


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("p\u0430ypal.com", "paypal.com"),
        ("examp1e.com", "example.com"),
        ("rnicrosoft.com", "microsoft.com"),
        ("g00gle.com", "google.com"),
        ("vvikipedia.org", "wikipedia.org"),
        ("gıthub.com", "github.com"),
    ],
)
def test_a_look_alike_of_a_known_name_is_found(name, known):
    assert look_alikes(name, known=[known, "unrelated.org"]) == (known,)
    assert skeleton(name) == skeleton(known)


def test_a_name_does_not_look_like_itself():
    assert look_alikes("example.com", known=["example.com"]) == ()


def test_scripts_that_belong_together_are_one():
    assert len(scripts_of("日本ab")) == 1
    assert scripts_of("aб") == {"LATIN", "CYRILLIC"}


def test_below_is_a_matter_of_labels():
    assert is_below("a.example.com", "example.com")
    assert not is_below("example.com", "example.com")
    assert not is_below("evilexample.com", "example.com")
