from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import replay
from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import parse_ports
from policy.replay import EntryIndex, GroupedFlow, ScopedEntry
from policy.selectors import parse_selector

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def scoped(number, destination, *, ports="443", workload="", namespaces=None, expires_at=None):
    entry = PolicyEntry(
        passport=f"SP-0000{LETTERS[number]}",
        destination=parse_destination(destination),
        ports=parse_ports(ports),
        workload=parse_selector(workload),
        expires_at=expires_at,
    )
    return ScopedEntry(entry, None if namespaces is None else frozenset(namespaces))


def passports(*numbers):
    return tuple(f"SP-0000{LETTERS[number]}" for number in numbers)


@pytest.mark.parametrize(
    ("destination", "name", "matches"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "x.api.example.com", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com +apex", "example.com", True),
        ("**.example.com", "a.b.example.com", True),
        ("**.example.com", "example.com", False),
        ("**.example.com", "evilexample.com", False),
        ("**.example.com +apex", "example.com", True),
    ],
)
def test_a_name_is_found_by_its_form(destination, name, matches):
    index = EntryIndex([scoped(1, destination)])

    found = index.match(namespace="shop", labels={}, name=name, port=443)

    assert found == (passports(1) if matches else ())


@pytest.mark.parametrize(
    ("destination", "address", "matches"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8 except 10.1.0.0/16", "10.1.2.3", False),
        ("10.0.0.0/8 except 10.1.0.0/16", "10.2.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("2001:db8::/32", "2001:DB8:0::1", True),
        ("10.0.0.0/8", "not an address", False),
    ],
)
def test_an_address_is_found_by_its_prefix(destination, address, matches):
    index = EntryIndex([scoped(1, destination)])

    found = index.match(namespace="shop", labels={}, address=address, port=443)

    assert found == (passports(1) if matches else ())


def test_name_and_address_of_one_flow_both_count():
    index = EntryIndex([scoped(1, "api.example.com"), scoped(2, "192.0.2.0/24")])

    found = index.match(namespace="shop", labels={}, name="api.example.com", address="192.0.2.7", port=443)

    assert found == passports(1, 2)


def test_scope_workload_and_port_all_have_to_fit():
    index = EntryIndex([scoped(1, "api.example.com", ports="443", workload="app=web", namespaces=["shop"])])

    def found(*, namespace="shop", app="web", port=443, protocol="TCP"):
        return index.match(
            namespace=namespace, labels={"app": app}, name="api.example.com", port=port, protocol=protocol
        )

    assert found() == passports(1)
    assert found(namespace="bank") == ()
    assert found(app="db") == ()
    assert found(port=80) == ()
    assert found(protocol="UDP") == ()


def test_an_entry_that_has_ended_carries_nothing():
    end = datetime(2026, 5, 1, tzinfo=UTC)
    entries = [scoped(1, "api.example.com", expires_at=end)]

    assert len(EntryIndex(entries, at=end)) == 0
    assert len(EntryIndex(entries)) == 1


def test_icmp_version_6_is_icmp_of_an_entry():
    index = EntryIndex([scoped(1, "2001:db8::/32", ports="icmp")])

    assert index.match(namespace="a", labels={}, address="2001:db8::1", protocol="ICMPv6") == passports(1)


def test_a_replay_counts_flows_by_passport_and_those_of_no_entry():
    index = EntryIndex([scoped(1, "api.example.com"), scoped(2, "**.example.com")])
    flow = GroupedFlow("shop", (), "api.example.com", None, 443, "TCP", 7)
    other = GroupedFlow("shop", (), "elsewhere.test", "192.0.2.1", 443, "TCP", 5)

    tally = index.replay([flow, other, flow])

    assert tally.by_passport == {"SP-00001": 14, "SP-00002": 14}
    assert (tally.flows, tally.unmatched) == (19, 5)


def test_a_replay_longer_than_its_memory_gives_the_same_answers(monkeypatch):
    monkeypatch.setattr(replay, "MAXIMUM_REMEMBERED", 3)
    index = EntryIndex([scoped(1, "**.example.com")])
    flows = [GroupedFlow(f"ns{i % 5}", (), f"n{i % 7}.example.com", None, 443, "TCP") for i in range(100)]

    assert index.replay(flows).by_passport == {"SP-00001": 100}


_bases = st.sampled_from(["example.com", "a.example.com", "b.a.example.com", "other.test"])
_names = st.builds(lambda labels, base: ".".join([*labels, base]), st.lists(st.sampled_from("ab"), max_size=2), _bases)
_destinations = st.one_of(
    _names,
    st.builds(
        lambda star, base, apex: f"{star}.{base}{apex}",
        st.sampled_from(["*", "**"]),
        _bases,
        st.sampled_from(["", " +apex"]),
    ),
    st.sampled_from(["10.0.0.0/8", "10.0.0.0/8 except 10.1.0.0/16", "10.1.0.0/24", "0.0.0.0/0", "2001:db8::/32"]),
)
_flows = st.builds(
    GroupedFlow,
    st.sampled_from(["shop", "bank"]),
    st.sampled_from([(), (("app", "web"),), (("app", "db"), ("tier", "1"))]),
    st.one_of(st.none(), _names),
    st.sampled_from([None, "10.0.0.1", "10.1.0.1", "10.1.9.9", "192.0.2.1", "2001:db8::1"]),
    st.sampled_from([None, 80, 443, 8000]),
    st.sampled_from(["TCP", "UDP", "ICMP"]),
)
_entries = st.lists(
    st.builds(
        scoped,
        st.integers(0, 31),
        _destinations,
        ports=st.sampled_from(["443", "80, 443/udp", "8000-9000", "any", "icmp"]),
        workload=st.sampled_from(["", "app=web", "app=db,tier=1"]),
        namespaces=st.sampled_from([None, ["shop"], ["shop", "bank"]]),
    ),
    max_size=8,
)


def _permits(one, flow):
    address = ip_address(flow.address) if flow.address else None
    destination = one.entry.destination
    reached = bool(flow.name and destination.matches_name(flow.name)) or bool(
        address and destination.matches_address(address)
    )
    on_port = any(ports.contains(protocol=flow.protocol, port=flow.port) for ports in one.entry.ports)
    return reached and on_port and one.covers_workload(namespace=flow.namespace, labels=dict(flow.labels))


@given(entries=_entries, flows=st.lists(_flows, max_size=6))
@settings(max_examples=150, deadline=None)
def test_the_index_agrees_with_asking_every_entry(entries, flows):
    index = EntryIndex(entries)

    for flow, found in index.join(flows):
        slowly = {one.entry.passport for one in entries if _permits(one, flow)}
        assert set(found) == slowly
        asked = {key: value for key, value in flow._asdict().items() if key not in {"labels", "total"}}
        assert index.match(labels=dict(flow.labels), **asked) == found
