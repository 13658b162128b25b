"""YAML and JSON that people hand in."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import documents
from policy.cli.manifests import as_yaml
from policy.documents import BadDocument, Trap, read_documents, resolve_plain

TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], max_codepoint=0xD7FF), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


def values(content: bytes | str) -> list[Any]:
    """What the documents hold."""
    return [one.value for one in read_documents(content.encode() if isinstance(content, str) else content)]


PLAIN = [
    ("true", True),
    ("True", True),
    ("tRue", "tRue"),
    ("yes", True),
    ("N", False),
    ("OFF", False),
    ("oN", "oN"),
    ("", None),
    ("~", None),
    ("null", None),
    ("nULL", "nULL"),
    ("0", 0),
    ("-1", -1),
    ("+1", 1),
    ("010", 8),
    ("-010", -8),
    ("08", 8.0),
    ("0o7", 7),
    ("0x1F", 31),
    ("0b11", 3),
    ("0x", "0x"),
    ("1_000", 1000),
    ("1e3", 1000.0),
    ("1.5", 1.5),
    (".5", 0.5),
    ("1.", 1.0),
    (".", "."),
    ("1:30", "1:30"),
    ("2027-01-31", "2027-01-31"),
    ("10.0.0.0/8", "10.0.0.0/8"),
    ("1.2.3.4", "1.2.3.4"),
    ("SP-7K3QF", "SP-7K3QF"),
    ("\u0661", "\u0661"),
    ("9" * 65, "9" * 65),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_a_plain_scalar_means_what_the_api_server_reads(text: str, value: Any) -> None:
    assert resolve_plain(text) == value
    assert type(resolve_plain(text)) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".NaN"])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(BadDocument, match="quote"):
        resolve_plain(text)


def test_traps_have_the_path_and_what_they_are_read_as() -> None:
    (document,) = read_documents(b"a: [no, {b: 0o7}]\nc: false\nd: 'no'\ne: 7\nf: 1.5\n")

    assert document.traps == (Trap("a[0]", "no", False), Trap("a[1].b", "0o7", 7))


@given(value=st.dictionaries(TEXT, JSON, max_size=4))
def test_what_json_says_is_read_alike_as_json_and_as_yaml(value: dict[str, Any]) -> None:
    text = json.dumps(value)

    assert values(text) == [value]
    assert values(f"--- {json.dumps(value, ensure_ascii=False)}\n") == [value]


@given(value=st.dictionaries(TEXT, JSON, max_size=4))
def test_what_we_write_as_yaml_is_read_back_without_a_trap(value: dict[str, Any]) -> None:
    (document,) = read_documents(as_yaml([value]).encode())

    assert document.value == value
    assert document.traps == ()


def test_documents_are_counted_and_empty_ones_count() -> None:
    assert [(one.number, one.value) for one in read_documents(b"---\n---\na: 1\n--- 2\n")] == [
        (1, None),
        (2, {"a": 1}),
        (3, 2),
    ]


@pytest.mark.parametrize("content", ["", "# only a comment\n", "   \n"])
def test_an_empty_stream_has_no_documents(content: str) -> None:
    assert values(content) == []


REFUSED = [
    ("a: &x 1", "anchors"),
    ("a: *x", "anchors"),
    ("&x a: 1", "anchors"),
    ("a: !!int 1", "tags"),
    ("a: !custom 1", "tags"),
    ("!!map {a: 1}", "tags"),
    ("!!set {a}", "tags"),
    ("? {a: 1}\n: 1", "key"),
    ("? [a]\n: 1", "key"),
    ("1: a", "quote"),
    ("null: a", "quote"),
    ("{a: 1, a: 2}", "twice"),
    ("a:\n\tb: 1", "YAML"),
    ("a: b: c", "YAML"),
    ("\x00", "YAML"),
    ('{"a": 1e999}', "finite"),
    ('{"a": {"b": 1, "b": 2}}', "twice"),
    ("%YAML 9.9\n---\na: 1", "YAML"),
]


@pytest.mark.parametrize(("content", "word"), REFUSED)
def test_what_two_readers_could_read_differently_is_refused(content: str, word: str) -> None:
    with pytest.raises(BadDocument, match=word):
        values(content)


def test_a_fault_says_where_it_is() -> None:
    with pytest.raises(BadDocument, match="line 2, column 4"):
        values("a: 1\nb: *x\n")


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert values("[" * 64 + "]" * 64) != []
    for content in ("[" * 65 + "]" * 65, "a: " + "{b: " * 65 + "1" + "}" * 65):
        with pytest.raises(BadDocument, match="deep"):
            values(content)
    monkeypatch.setattr(documents, "MAXIMUM_NODES", 10)
    with pytest.raises(BadDocument, match="more than 10"):
        values("- a\n" * 10)
    monkeypatch.setattr(documents, "MAXIMUM_BYTES", 10)
    with pytest.raises(BadDocument, match="larger"):
        values("a: 12345678")


HOSTILE = ["[" * 1_000_000, '{"a":' * 500_000, "a: " * 200_000, "- " * 200_000, "&a " * 100_000, "a: '" + "x" * 500_000]


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: content[:4])
def test_hostile_text_is_refused_quickly(content: str) -> None:
    begun = time.perf_counter()

    with pytest.raises(BadDocument):
        values(content)

    assert time.perf_counter() - begun < 3


@given(content=st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"#% \n,?0yn.e", max_size=60).map(str.encode))
def test_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        found = values(content)
    except BadDocument:
        found = []
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in found)
