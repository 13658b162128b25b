"""What holds for every dialect: an answer to any text, quickly, and one that an obvious second reading confirms."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.dialects import DIALECTS, match

TEXT = st.text(max_size=40)
LABEL = st.text(alphabet="ab-_1", min_size=1, max_size=4)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
STARRED = st.lists(st.text(alphabet="ab*", min_size=1, max_size=4), min_size=1, max_size=4).map(".".join)
FIELDS = [(dialect.name, field) for dialect in DIALECTS.values() for field in dialect.fields]
CHARACTER = "[-a-zA-Z0-9_]"


@given(where=st.sampled_from(FIELDS), patterns=st.lists(TEXT, max_size=4), name=TEXT)
def test_no_text_makes_a_dialect_raise(where: tuple[str, str], patterns: list[str], name: str) -> None:
    answer = match(dialect=where[0], patterns=patterns, name=name, field=where[1])

    assert answer.result in ("match", "no-match", "invalid")
    assert answer.reason


@given(pattern=STARRED, name=NAME)
def test_cilium_agrees_with_the_expression_that_its_agent_builds(pattern: str, name: str) -> None:
    if set(pattern) == {"*"}:
        expression = f"({CHARACTER}+[.])+"
    else:
        text = pattern.replace(".", "[.]")
        text = re.sub(r"^[*]{2,}\[\.\]", f"({CHARACTER}+([.]{CHARACTER}+)@)[.]", text)
        expression = re.sub("[*]+", f"{CHARACTER}*", text).replace("@", "*") + "[.]"
    expected = "match" if re.fullmatch(expression, f"{name}.") else "no-match"

    assert match(dialect="cilium", pattern=pattern, name=name).result == expected


@given(pattern=st.text(alphabet="ab.*", min_size=1, max_size=10), name=NAME.filter(lambda name: "_" not in name))
def test_antrea_agrees_with_the_expression_that_its_agent_builds(pattern: str, name: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*")
    expected = "match" if re.fullmatch(expression, name) else "no-match"

    assert match(dialect="antrea", pattern=pattern, name=name).result == expected


@given(pattern=STARRED, name=NAME)
def test_gke_agrees_with_stars_that_stay_in_their_label(pattern: str, name: str) -> None:
    if pattern == "*":
        return
    expression = re.sub("[*]+", f"{CHARACTER}*", pattern.replace(".", "[.]"))
    expected = "match" if re.fullmatch(expression, name) else "no-match"

    assert match(dialect="gke", pattern=pattern, name=name).result == expected


@given(base=st.lists(st.sampled_from(["a", "b", "com"]), min_size=2, max_size=3).map(".".join), name=NAME)
def test_wider_dialects_take_what_narrower_ones_take(base: str, name: str) -> None:
    """One label is within any depth, and any depth is within any depth with the apex: how far a translation widens."""
    one_level = match(dialect="cilium", pattern=f"*.{base}", name=name).result
    any_depth = match(dialect="clusternetworkpolicy", pattern=f"*.{base}", name=name).result
    with_apex = match(dialect="squid", pattern=f".{base}", name=name).result

    assert any_depth == "match" or one_level != "match"
    assert with_apex == "match" or any_depth != "match"
    assert any_depth == match(dialect="cilium", pattern=f"**.{base}", name=name).result
    assert any_depth == match(dialect="antrea", pattern=f"*.{base}", name=name).result
    assert any_depth == match(dialect="calico", pattern=f"*.{base}", name=name).result


LONG = 300_000
HOSTILE = [
    "a" * LONG,
    "a." * (LONG // 2) + "!",
    "*" * LONG,
    "a*" * (LONG // 2),
    "*a" * 120 + "b",
    ("a" * 60 + ".") * 4,
    "(a+)+" * 20,
    "(a|a)*" * 100,
    "." * LONG,
    "x.com " * (LONG // 6),
]


@pytest.mark.parametrize("where", FIELDS, ids="/".join)
def test_long_hostile_text_is_answered_quickly(where: tuple[str, str]) -> None:
    begun = time.perf_counter()

    for pattern in HOSTILE:
        for name in (*HOSTILE, "a" * 250, "a." * 120 + "com"):
            match(dialect=where[0], pattern=pattern, name=name, field=where[1])

    assert time.perf_counter() - begun < 3


def test_ten_thousand_values_of_one_acl_are_judged_quickly() -> None:
    patterns = [f".zone{number}.example.com" for number in range(10_000)]
    begun = time.perf_counter()

    answer = match(dialect="squid", patterns=patterns, name="a.zone9999.example.com")

    assert answer.result == "match"
    assert time.perf_counter() - begun < 3
