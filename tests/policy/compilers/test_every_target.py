"""What holds for every target: never wider than approved, nothing ended, nothing in silence, the same bytes."""

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from policy.bundles import canonical_json
from policy.compilation import compile_entry, compile_namespace
from policy.destinations import host, parse_destination
from policy.entries import PolicyEntry
from policy.errors import DuplicatePassport, InvalidEntry, UnknownDialect
from policy.ports import parse_ports
from policy.selectors import parse_selector
from tests.policy.compilers.cases import POINTS, TEMPLATE
from tests.policy.compilers.flows import entry_allows, every_flow
from tests.policy.compilers.readers import READERS
from tests.policy.strategies import AT, entries

SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
FLOWS = tuple(every_flow())
CASES = (
    ("a.ex.test", "3", ""),
    ("*.ex.test", "3-8", ""),
    ("*.ex.test +apex", "3", ""),
    ("**.ex.test", "3", ""),
    ("**.ex.test", "any", ""),
    ("**.ex.test +apex", "3, 8", ""),
    ("a.ex.test", "icmp, 1/udp", ""),
    ("a.ex.test", "any", "app=web"),
    ("192.0.2.0/29", "3-8, 1/udp", ""),
    ("192.0.2.0/29 except 192.0.2.1/32, 192.0.2.4/30", "any", ""),
    ("192.0.2.0/29 except 192.0.2.1/32", "3, icmp", ""),
    ("2001:db8::/125", "3-8", "app=web"),
    ("2001:db8::/125 except 2001:db8::1/128", "icmp", ""),
    ("2001:db8::/125", "sctp, 1-3", ""),
    ("192.0.2.0/29", "3/sctp, 3", ""),
)
every_point = pytest.mark.parametrize("point", POINTS)


def compiled(point: str, given_entries):
    return compile_namespace(
        capabilities=POINTS[point], template=TEMPLATE, namespace="shop", entries=given_entries, at=AT
    )


def hold_to_the_entries(point, given_entries):
    """Every flow that a rendered entry means exactly passes, and no flow passes that no rendered entry means."""
    bundle = compiled(point, given_entries)
    living = [entry for entry in given_entries if entry.is_in_force(AT)]
    exact = [entry for entry in living if bundle.fidelity[entry.passport].verdict == "exact"]
    written = [entry for entry in living if bundle.fidelity[entry.passport].verdict in ("exact", "narrowed")]
    read = READERS[POINTS[point].dialect]
    for flow in FLOWS:
        if read(bundle.objects, flow):
            assert any(entry_allows(entry, flow) for entry in written), (flow, given_entries)
        else:
            assert not any(entry_allows(entry, flow) for entry in exact), (flow, given_entries)


@every_point
def test_each_entry_alone_opens_what_it_says_and_never_more(point):
    for destination, ports, workload in CASES:
        entry = PolicyEntry("SP-7K3QF", parse_destination(destination), parse_ports(ports), parse_selector(workload))
        hold_to_the_entries(point, [entry])


@every_point
@SLOW
@given(given_entries=entries())
def test_entries_together_open_what_they_say_and_never_more(point, given_entries):
    hold_to_the_entries(point, given_entries)


@every_point
@SLOW
@given(given_entries=entries())
def test_order_of_the_entries_changes_nothing(point, given_entries):
    shuffled = list(given_entries)
    random.Random(7).shuffle(shuffled)

    assert compiled(point, given_entries).as_json() == compiled(point, shuffled).as_json()


@every_point
@SLOW
@given(given_entries=entries(accepted=frozenset(POINTS)))
def test_every_living_entry_is_accounted_for_and_no_other(point, given_entries):
    bundle = compiled(point, given_entries)
    content = canonical_json(list(bundle.objects)).decode()

    assert set(bundle.fidelity) == {entry.passport for entry in given_entries if entry.is_in_force(AT)}
    for entry in given_entries:
        fidelity = bundle.fidelity.get(entry.passport)
        is_written = entry.passport in content or entry.passport.lower() in content
        if fidelity is None or fidelity.verdict == "impossible":
            assert not is_written
        elif fidelity.verdict == "widened":
            assert fidelity.witnesses
            assert is_written == (POINTS[point].dialect in entry.accepted_widening)
        else:
            assert is_written
            assert fidelity.verdict == "exact" or fidelity.witnesses


@every_point
def test_an_empty_namespace_is_closed(point):
    bundle = compiled(point, [])
    read = READERS[POINTS[point].dialect]

    assert not any(read(bundle.objects, flow) for flow in FLOWS)


@every_point
def test_an_entry_is_gone_at_its_end(point):
    entry = PolicyEntry("SP-7K3QF", host("api.example.com"), parse_ports("443"), expires_at=AT)
    before = compile_namespace(
        capabilities=POINTS[point], template=TEMPLATE, namespace="shop", entries=[entry], at=AT - timedelta(seconds=1)
    )

    assert "SP-7K3QF" in before.fidelity
    assert b"SP-7K3QF" not in compiled(point, [entry]).as_json()
    assert compiled(point, [entry]).hash == compiled(point, []).hash


@every_point
def test_the_fragment_of_an_entry_is_what_an_approval_can_bind_to(point):
    entry = PolicyEntry("SP-7K3QF", host("api.example.com"), parse_ports("443"))
    facts = {"capabilities": POINTS[point], "template": TEMPLATE, "at": AT}

    fragment, fidelity = compile_entry(entry=entry, **facts)
    again, _ = compile_entry(entry=entry, **facts)
    other, _ = compile_entry(entry=PolicyEntry("SP-7K3QF", host("b.example.com"), parse_ports("443")), **facts)

    assert fragment == again
    assert fragment.hash == again.hash
    assert fidelity == compiled(point, [entry]).fidelity["SP-7K3QF"]
    assert fragment.rendered == "[]" or fragment.hash != other.hash


def test_an_entry_that_has_ended_becomes_nothing():
    entry = PolicyEntry("SP-7K3QF", host("api.example.com"), parse_ports("443"), expires_at=AT)

    fragment, fidelity = compile_entry(capabilities=POINTS["cilium"], template=TEMPLATE, entry=entry, at=AT)

    assert fragment.rendered == "[]"
    assert fidelity.verdict == "impossible"


def test_two_entries_with_one_passport_are_refused():
    one = PolicyEntry("SP-7K3QF", host("a.example.com"), parse_ports("443"))
    other = PolicyEntry("SP-7K3QF", host("b.example.com"), parse_ports("443"))

    with pytest.raises(DuplicatePassport):
        compiled("cilium", [one, other])
    assert compiled("cilium", [one, one]) == compiled("cilium", [one])


def test_an_unknown_dialect_and_a_time_without_zone_are_refused():
    entry = PolicyEntry("SP-7K3QF", host("a.example.com"), parse_ports("443"))
    from_nowhere = POINTS["cilium"].__class__(dialect="carrier-pigeon")

    with pytest.raises(UnknownDialect):
        compile_namespace(capabilities=from_nowhere, template=TEMPLATE, namespace="shop", entries=[], at=AT)
    with pytest.raises(InvalidEntry):
        compile_namespace(
            capabilities=POINTS["cilium"],
            template=TEMPLATE,
            namespace="shop",
            entries=[entry],
            at=AT.replace(tzinfo=None),
        )
