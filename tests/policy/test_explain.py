from datetime import UTC, datetime

import pytest

from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.errors import DomainError
from policy.explain import explain
from policy.ports import parse_ports
from policy.replay import ScopedEntry
from policy.selectors import parse_selector


def scoped(passport, destination, *, ports="443", workload="", namespaces=("shop",), expires_at=None):
    entry = PolicyEntry(
        passport=passport,
        destination=parse_destination(destination),
        ports=parse_ports(ports),
        workload=parse_selector(workload),
        expires_at=expires_at,
    )
    return ScopedEntry(entry, frozenset(namespaces) if namespaces else None)


def asked(*entries, destination="api.example.com", namespace="shop", labels=None, port=443, protocol="TCP", at=None):
    return explain(
        entries=entries,
        namespace=namespace,
        labels=labels or {"app": "web"},
        destination=destination,
        port=port,
        protocol=protocol,
        at=at,
    )


def test_the_entries_that_permit_are_named_in_the_order_of_their_passports():
    found = asked(scoped("SP-00002", "**.example.com"), scoped("SP-00001", "api.example.com"))

    assert found.allowed
    assert [entry.passport for entry in found.entries] == ["SP-00001", "SP-00002"]
    assert found.near_misses == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (scoped("SP-00001", "api.example.com", ports="80"), "its ports are 80/tcp"),
        (scoped("SP-00001", "api.example.com", namespaces=["bank"]), "it is for bank, not for shop"),
        (scoped("SP-00001", "api.example.com", workload="app=db"), "it is for workloads with app=db"),
        (scoped("SP-00001", "www.example.com"), "its destination is www.example.com"),
        (scoped("SP-00001", "*.example.com"), None),
    ],
)
def test_a_near_miss_says_what_keeps_it_from_permitting(entry, reason):
    found = asked(entry)

    if reason is None:
        assert found.allowed
    else:
        assert not found.allowed
        assert found.near_misses[0].reasons[0].startswith(reason)


def test_an_entry_that_has_ended_is_a_near_miss():
    end = datetime(2026, 5, 1, tzinfo=UTC)
    found = asked(scoped("SP-00001", "api.example.com", expires_at=end), at=end)

    assert not found.allowed
    assert found.near_misses[0].reasons == ("it ended at 2026-05-01 00:00 UTC",)


def test_near_misses_are_ordered_by_how_little_is_missing():
    found = asked(
        scoped("SP-00001", "api.example.com", ports="80", namespaces=["bank"]),
        scoped("SP-00002", "api.example.com", ports="80"),
    )

    assert [miss.entry.passport for miss in found.near_misses] == ["SP-00002", "SP-00001"]


def test_what_has_nothing_to_do_with_it_is_no_near_miss():
    found = asked(scoped("SP-00001", "other.test"), scoped("SP-00002", "10.0.0.0/8"))

    assert found.near_misses == ()


def test_a_bare_address_and_a_whole_block_can_be_asked_about():
    entry = scoped("SP-00001", "192.0.2.0/24")

    assert asked(entry, destination="192.0.2.7").allowed
    assert asked(entry, destination="192.0.2.0/25").allowed
    assert not asked(entry, destination="192.0.0.0/16").allowed
    assert asked(scoped("SP-00001", "2001:db8::/32"), destination="2001:db8::1").allowed


def test_a_pattern_is_allowed_only_as_a_whole():
    assert not asked(scoped("SP-00001", "*.example.com"), destination="**.example.com").allowed
    assert asked(scoped("SP-00001", "**.example.com"), destination="*.example.com").allowed


def test_a_text_that_is_no_destination_is_refused():
    with pytest.raises(DomainError):
        asked(destination="not a name!")
