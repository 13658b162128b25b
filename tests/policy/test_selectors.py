"""Selectors and passports: what entries are attached to, and how log lines find back to them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.destinations import host
from policy.entries import PolicyEntry, is_passport, new_passport
from policy.errors import InvalidEntry, InvalidSelector
from policy.ports import parse_ports
from policy.selectors import EVERY_POD, LabelSelector, format_selector, parse_selector


def test_a_selector_reads_back_in_one_order():
    assert format_selector(parse_selector("tier=db, app=web")) == "app=web,tier=db"
    assert parse_selector("example.com/team=a") == LabelSelector((("example.com/team", "a"),))
    assert parse_selector("  ") == EVERY_POD
    assert parse_selector("app=") == LabelSelector((("app", ""),))


@pytest.mark.parametrize(
    "text",
    ["app", "=web", "app=web,app=db", "a b=c", "app=-web", "app=web-", "/a=b", "Up_per/a=b", "a//b=c", "k=" + "v" * 64,
     "k" * 64 + "=v", "x" * 5000],
)  # fmt: skip
def test_what_kubernetes_would_refuse_is_refused(text):
    with pytest.raises(InvalidSelector):
        parse_selector(text)


def test_a_missing_label_is_not_an_empty_one():
    assert parse_selector("app=").matches({"app": ""})
    assert not parse_selector("app=").matches({})
    assert parse_selector("app=web").matches({"app": "web", "tier": "db"})
    assert EVERY_POD.matches({})
    assert EVERY_POD.is_empty
    assert not parse_selector("app=web").is_empty


def test_fewer_labels_cover_more():
    assert parse_selector("app=web").covers(parse_selector("app=web,tier=db"))
    assert not parse_selector("app=web,tier=db").covers(parse_selector("app=web"))


def test_the_digest_names_the_selector_and_not_its_order():
    assert parse_selector("a=1,b=2").digest == parse_selector("b=2,a=1").digest
    assert parse_selector("a=1,b=2").digest != parse_selector("a=1").digest


@given(st.binary(min_size=4, max_size=16))
def test_a_new_passport_is_a_passport(random_bytes):
    assert is_passport(new_passport(random_bytes))


@pytest.mark.parametrize("text", ["SP-7K3Q", "SP-7K3QFF", "SP-7K3QI", "sp-7k3qf", "7K3QF", "SP-7K3Q\n", "XX-7K3QF"])
def test_other_texts_are_no_passports(text):
    assert not is_passport(text)


def test_an_entry_ends_at_its_end():
    end = datetime(2026, 11, 1, tzinfo=UTC)
    entry = PolicyEntry("SP-7K3QF", host("a.example"), parse_ports("443"), expires_at=end)

    assert entry.is_in_force(end.replace(year=2025))
    assert not entry.is_in_force(end)


@pytest.mark.parametrize(
    "wrong",
    [
        {"passport": "nobody"},
        {"ports": ()},
        {"expires_at": datetime(2026, 1, 1)},
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(wrong):
    good = {"passport": "SP-7K3QF", "destination": host("a.example"), "ports": parse_ports("443")}

    with pytest.raises(InvalidEntry):
        PolicyEntry(**(good | wrong))


def test_a_passport_needs_enough_chance():
    with pytest.raises(InvalidEntry):
        new_passport(b"abc")
