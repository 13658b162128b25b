"""Destinations: one form, one meaning, and an algebra that agrees with trying every name and address."""

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.destinations import (
    Destination,
    any_depth,
    cidr,
    covered_by,
    effective_addresses,
    host,
    minimal_destinations,
    one_level,
    parse_destination,
)
from policy.errors import InvalidDestination
from tests.policy.strategies import ADDRESSES, destinations

# Every name of up to four labels over a small alphabet below two roots.
UNIVERSE = sorted(
    {
        ".".join((*prefix, root))
        for root in ("ex.test", "test")
        for depth in range(5)
        for prefix in product(("a", "b", "z"), repeat=depth)
    }
)


def meaning(destination: Destination) -> frozenset[str]:
    matched = {name for name in UNIVERSE if destination.matches_name(name)}
    return frozenset(matched | {str(address) for address in ADDRESSES if destination.matches_address(address)})


@pytest.mark.parametrize(
    "text",
    [
        "api.example.com",
        "*.example.com",
        "**.example.com",
        "*.example.com +apex",
        "**.example.com +apex",
        "10.0.0.0/8",
        "10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16",
        "2001:db8::/32",
        "2001:db8::/32 except 2001:db8:1::/48",
        "xn--bcher-kva.example",
        "_sip.example.com",
    ],
)
def test_canonical_text_reads_back(text):
    assert parse_destination(text).canonical == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("API.Example.com.", "api.example.com"),
        (" api.example.com ", "api.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.Example.com", "*.example.com"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("10.0.0.0/8 except 10.2.0.0/16,10.1.0.0/16", "10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16"),
        ("10.0.0.0/8 except 10.0.0.0/16, 10.1.0.0/16", "10.0.0.0/8 except 10.0.0.0/15"),
    ],
)
def test_what_is_not_canonical_is_refused_with_the_right_form_offered(text, canonical):
    with pytest.raises(InvalidDestination) as refusal:
        parse_destination(text)

    assert refusal.value.details["canonical"] == canonical
    assert parse_destination(canonical).canonical == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "**",
        "*.",
        "a.*.com",
        "*a.example.com",
        "***.example.com",
        "*.*.example.com",
        "example.com +apex",
        "localhost",
        "https://example.com",
        "example.com/path",
        "user@example.com",
        "example.com:443",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/8 except 10.0.0.0/8",
        "10.0.0.0/8 except 10.0.0.0/7",
        "10.0.0.0/8 except 11.0.0.0/16",
        "10.0.0.0/8 except 2001:db8::/64",
        "10.0.0.0/8 except 10.0.0.0/9, 10.128.0.0/9",
        "10.0.0.0/8 except",
        "*." + "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 60,
        "x" * 5000,
    ],
)
def test_what_is_no_destination_is_refused(text):
    with pytest.raises(InvalidDestination):
        parse_destination(text)


@given(destinations())
def test_the_canonical_text_of_a_destination_is_that_destination(destination):
    assert parse_destination(destination.canonical) == destination


@settings(max_examples=200, deadline=None)
@given(destinations(), destinations())
def test_containment_and_overlap_agree_with_brute_force(one, other):
    mine, theirs = meaning(one), meaning(other)

    assert one.overlaps(other) == bool(mine & theirs)
    assert one.overlaps(other) == other.overlaps(one)
    if one.covers(other):
        assert theirs <= mine
    elif one.is_name == other.is_name:
        assert not theirs <= mine or _differ_beyond_the_universe(one, other)


def _differ_beyond_the_universe(one: Destination, other: Destination) -> bool:
    """A base of the greatest depth has names below it that the universe does not hold."""
    return other.is_wildcard and other.base.count(".") >= 4


@settings(max_examples=100, deadline=None)
@given(st.lists(destinations(), max_size=6))
def test_a_minimal_set_keeps_the_meaning_and_loses_nothing_needed(given_destinations):
    wanted = frozenset().union(*(meaning(one) for one in given_destinations))
    minimal = minimal_destinations(given_destinations)

    assert frozenset().union(*(meaning(one) for one in minimal)) == wanted
    assert minimal == minimal_destinations(reversed(given_destinations))
    assert minimal_destinations(minimal) == minimal
    assert all(covered_by(one, minimal) for one in given_destinations)
    for position, one in enumerate(minimal):
        assert not covered_by(one, [*minimal[:position], *minimal[position + 1 :]])


def test_a_wildcard_and_its_apex_become_one():
    assert minimal_destinations([host("example.com"), one_level("example.com")]) == (
        one_level("example.com", include_apex=True),
    )


def test_a_wildcard_with_apex_is_covered_by_two_others_together():
    assert covered_by(one_level("example.com", include_apex=True), [any_depth("example.com"), host("example.com")])
    assert not covered_by(one_level("example.com", include_apex=True), [any_depth("example.com")])


def test_containment_of_networks_looks_at_the_addresses_and_not_at_the_text():
    assert cidr("10.128.0.0/9").covers(cidr("10.0.0.0/8", excepts=["10.0.0.0/9"]))
    assert not cidr("10.0.0.0/8", excepts=["10.1.0.0/16"]).covers(cidr("10.0.0.0/8"))
    assert not cidr("0.0.0.0/0").covers(cidr("::/0"))


def test_the_whole_internet_in_two_halves_is_the_whole_internet():
    halves = [cidr("0.0.0.0/1"), cidr("128.0.0.0/1")]

    assert minimal_destinations(halves) == (cidr("0.0.0.0/0"),)
    assert effective_addresses(halves).share_of(4) == 1.0


def test_a_mapped_address_is_matched_as_the_plain_one():
    assert cidr("10.0.0.0/8").matches_address("::ffff:10.0.0.1")
    assert not cidr("10.0.0.0/8", excepts=["10.0.0.0/16"]).matches_address("10.0.0.1")
    assert not host("example.com").matches_address("10.0.0.1")
    assert not cidr("10.0.0.0/8").matches_name("example.com")


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("example.com", {"example.com"}),
        ("*.example.com", {"www.example.com"}),
        ("**.example.com", {"www.example.com", "a.b.example.com"}),
        ("**.example.com +apex", {"example.com", "www.example.com", "a.b.example.com"}),
    ],
)
def test_examples_show_what_matches_and_what_does_not(text, matching):
    examples = parse_destination(text).examples()

    assert {example.text for example in examples if example.matches} == matching
    assert any(not example.matches for example in examples)


def test_examples_of_a_network_show_its_edges():
    examples = {one.text: one.matches for one in parse_destination("10.0.0.0/8 except 10.1.0.0/16").examples()}

    assert examples == {"10.0.0.0": True, "10.255.255.255": True, "10.1.0.0": False, "11.0.0.0": False}


@given(
    st.text(max_size=60)
    | st.from_regex(r"[*]{0,2}\.?[a-z0-9./:-]{0,30}( except [0-9./, ]{0,20}| \+apex)?", fullmatch=True)
)
def test_any_text_is_a_destination_or_refused_with_an_offer_that_holds(text):
    try:
        destination = parse_destination(text)
    except InvalidDestination as refusal:
        offered = refusal.details.get("canonical")
        assert offered is None or parse_destination(str(offered)).canonical == offered
        return

    assert destination.canonical == text


def test_reading_is_quick_however_bad_the_text():
    started = time.perf_counter()

    for text in (
        "*." * 2_000,
        "a." * 2_000,
        "1.2.3.4/" + "9" * 4_000,
        "10.0.0.0/8 except " + "10.0.0.0/9," * 370,
        ":" * 4_000,
    ):
        with pytest.raises(InvalidDestination):
            parse_destination(text)

    assert time.perf_counter() - started < 0.25
