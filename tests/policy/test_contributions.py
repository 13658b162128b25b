from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.contributions import contributions
from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import format_ports, parse_ports
from policy.replay import EntryIndex, ScopedEntry
from policy.selectors import parse_selector


def scoped(number, destination, *, ports="443", workload="", namespaces=("shop",), expires_at=None):
    entry = PolicyEntry(
        passport=f"SP-0000{number}",
        destination=parse_destination(destination),
        ports=parse_ports(ports),
        workload=parse_selector(workload),
        expires_at=expires_at,
    )
    return ScopedEntry(entry, None if namespaces is None else frozenset(namespaces))


def first(*entries):
    found = contributions(entries)[0]
    return found.status, format_ports(found.ports) if found.ports else "", found.covered_by


def test_an_entry_alone_adds_everything_that_it_says():
    assert first(scoped(1, "api.example.com", ports="80, 443")) == ("adds", "80/tcp, 443/tcp", ())


@pytest.mark.parametrize(
    ("destination", "cover"),
    [
        ("api.example.com", "*.example.com"),
        ("api.example.com", "**.com"),
        ("*.example.com", "**.example.com"),
        ("10.1.0.0/16", "10.0.0.0/8"),
        ("10.1.0.0/16", "10.1.0.0/16"),
    ],
)
def test_an_entry_under_a_wider_one_is_redundant(destination, cover):
    assert first(scoped(1, destination), scoped(2, cover)) == ("redundant", "", ("SP-00002",))


def test_two_halves_cover_a_block_together():
    found = first(scoped(1, "10.0.0.0/8"), scoped(2, "10.0.0.0/9"), scoped(3, "10.128.0.0/9"))

    assert found == ("redundant", "", ("SP-00002", "SP-00003"))


def test_the_apex_may_be_covered_by_another_entry_than_the_wildcard():
    found = first(scoped(1, "*.example.com +apex"), scoped(2, "*.example.com"), scoped(3, "example.com"))

    assert found[0] == "redundant"


def test_what_is_left_is_told_by_ports():
    found = first(scoped(1, "api.example.com", ports="80-90"), scoped(2, "*.example.com", ports="85-443"))

    assert found == ("adds-part", "80-84/tcp", ("SP-00002",))


def test_any_port_is_covered_for_the_protocols_that_others_have():
    found = first(scoped(1, "api.example.com", ports="any"), scoped(2, "api.example.com", ports="tcp, udp"))

    assert found == ("adds-part", "icmp, sctp", ("SP-00002",))


@pytest.mark.parametrize(
    "cover",
    [
        scoped(2, "*.example.com", namespaces=["bank"]),
        scoped(2, "*.example.com", workload="app=web"),
        scoped(2, "*.example.com", ports="443/udp"),
        scoped(2, "*.example.com", expires_at=datetime(2026, 1, 1, tzinfo=UTC)),
        scoped(2, "api.example.com.evil.test"),
    ],
)
def test_a_cover_of_narrower_scope_covers_nothing(cover):
    assert first(scoped(1, "api.example.com"), cover)[0] == "adds"


def test_a_cover_of_wider_scope_counts():
    wider = scoped(2, "api.example.com", namespaces=None)

    assert first(scoped(1, "api.example.com", workload="app=web"), wider)[0] == "redundant"


_entries = st.lists(
    st.builds(
        scoped,
        st.integers(0, 9),
        st.sampled_from(
            [
                "a.x.test",
                "x.test",
                "*.x.test",
                "**.x.test",
                "**.x.test +apex",
                "10.0.0.0/30",
                "10.0.0.0/31",
                "10.0.0.2/31",
            ]
        ),
        ports=st.sampled_from(["1", "1-2", "2", "any", "1, 2/udp"]),
        workload=st.sampled_from(["", "app=a"]),
        namespaces=st.sampled_from([("n",), ("n", "m"), None]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.entry.passport,
)
_FLOWS = [
    (namespace, labels, name, address, port, protocol)
    for namespace in ("n", "m")
    for labels in ({}, {"app": "a"})
    for name, address in [
        ("x.test", None),
        ("a.x.test", None),
        ("b.a.x.test", None),
        *((None, f"10.0.0.{i}") for i in range(4)),
    ]
    for port, protocol in ((1, "TCP"), (2, "TCP"), (2, "UDP"), (3, "TCP"), (None, "ICMP"))
]


@given(entries=_entries)
@settings(max_examples=150, deadline=None)
def test_an_entry_called_redundant_can_go_without_any_flow_noticing(entries):
    index = EntryIndex(entries)
    for found in contributions(entries):
        if found.status != "redundant":
            continue
        for namespace, labels, name, address, port, protocol in _FLOWS:
            passports = index.match(
                namespace=namespace, labels=labels, name=name, address=address, port=port, protocol=protocol
            )
            assert passports != (found.passport,)
