"""Ports: one canonical list, read from text and compared exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.errors import InvalidPorts
from policy.ports import PortRange, canonical_ports, format_ports, parse_ports, ports_cover, ports_overlap
from tests.policy.strategies import PORTS, PROTOCOLS, ports


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("443", "443/tcp"),
        ("443/TCP", "443/tcp"),
        ("443/tcp, 8000-9000/udp, icmp", "icmp, 443/tcp, 8000-9000/udp"),
        ("80,81,82", "80-82/tcp"),
        ("80-90, 85-100", "80-100/tcp"),
        ("tcp, 443", "tcp"),
        ("1-65535/udp", "udp"),
        ("443, any", "any"),
        ("53/udp, 53/tcp, 53/sctp", "53/sctp, 53/tcp, 53/udp"),
        ("icmp, icmp", "icmp"),
    ],
)
def test_ports_have_one_form(text, canonical):
    assert format_ports(parse_ports(text)) == canonical
    assert parse_ports(canonical) == parse_ports(text)


@pytest.mark.parametrize(
    "text",
    ["", ",", "443,", "0", "65536", "0443", "-1", "443-", "-443", "9000-8000", "443/", "/tcp", "443/xyz", "8/icmp",
     "1/any", "ssh", "４４３", "4 43", "443/tcp/udp", "1" * 3000],
)  # fmt: skip
def test_what_is_no_port_is_refused(text):
    with pytest.raises(InvalidPorts):
        parse_ports(text)


@given(ports())
def test_reading_back_what_was_written_changes_nothing(some):
    assert parse_ports(format_ports(some)) == some
    assert canonical_ports(reversed(some)) == some


def packets(some):
    pairs = {(protocol, port) for protocol in PROTOCOLS for port in (*PORTS, 60_000)}
    numbered = {pair for pair in pairs if any(one.contains(protocol=pair[0], port=pair[1]) for one in some)}
    others = {(name, None) for name in ("ICMP", "GRE") if any(one.contains(protocol=name, port=None) for one in some)}
    return numbered | others


@given(ports(), ports())
def test_cover_and_overlap_agree_with_trying_every_packet(one, other):
    assert ports_cover(one, other) == (packets(other) <= packets(one))
    assert ports_overlap(one, other) == bool(packets(one) & packets(other))


def test_ranges_sort_without_numbers_first():
    assert sorted([PortRange("TCP", 1, 2), PortRange("TCP"), PortRange("ICMP")]) == [
        PortRange("ICMP"),
        PortRange("TCP"),
        PortRange("TCP", 1, 2),
    ]


@given(st.text(alphabet="0123456789-/,tcpudsianym \u0663", max_size=40))
def test_any_text_is_ports_or_refused(text):
    try:
        some = parse_ports(text)
    except InvalidPorts:
        return

    assert parse_ports(format_ports(some)) == some
