from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.decoders.hubble import decode_line
from flows.records import BadLine, DnsAnswer, LostRecords, ObservedFlow, Skipped
from tests.flows.factories import dns_answer, event, lost

AT = datetime(2026, 11, 23, 15, 4, 5, 678901, tzinfo=UTC)


def decoded(**changes):
    return decode_line(orjson.dumps(event(at=AT, **changes)))


def test_a_flow_becomes_one_record_with_everything_in_its_place():
    record = decoded(source_port=40_001)

    assert record == ObservedFlow(
        at=AT,
        namespace="shop",
        workload="checkout",
        pod="checkout-7d4b9c6f8b-x2x9z",
        labels=(("app", "checkout"),),
        names=("api.example.com",),
        address="203.0.113.10",
        port=443,
        protocol="TCP",
        verdict="allow",
        source=("10.0.1.17", 40_001),
    )


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"verdict": "FORWARDED"}, "allow"),
        ({"verdict": "REDIRECTED"}, "allow"),
        ({"verdict": "AUDIT"}, "would_deny"),
        ({"verdict": "ERROR"}, "drop_other"),
        ({"verdict": "SOMETHING_NEW"}, "unknown"),
        ({"verdict": None}, "unknown"),
        ({"verdict": 2}, "unknown"),
        ({"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED"}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENY"}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason_desc": "AUTH_REQUIRED"}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason": 133}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason": 181}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason": 189}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason_desc": "UNSUPPORTED_L3_PROTOCOL", "drop_reason": 139}, "drop_other"),
        ({"verdict": "DROPPED"}, "drop_other"),
        ({"verdict": "DROPPED", "l7": {"type": "REQUEST", "http": {"method": "GET"}}}, "deny_policy"),
        ({"verdict": "DROPPED", "drop_reason_desc": ["POLICY_DENIED"]}, "drop_other"),
    ],
)
def test_only_a_policys_decision_counts_as_denied(change, verdict):
    assert decoded(**change).verdict == verdict


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_reply": True}, "reply"),
        ({"is_reply": None, "reply": True}, "reply"),
        ({"is_reply": None, "l4": {"TCP": {"destination_port": 1, "flags": {"SYN": True, "ACK": True}}}}, "reply"),
        ({"traffic_direction": "INGRESS"}, "ingress"),
        ({"traffic_direction": None}, "direction unknown"),
        ({"verdict": "TRACED"}, "trace without a verdict"),
        ({"verdict": "TRANSLATED"}, "trace without a verdict"),
        ({"destination": {"namespace": "db", "pod_name": "db-0"}}, "stays in the cluster"),
        ({"source": {"identity": 1, "labels": ["reserved:host"]}}, "from the host itself"),
        ({"l7": {"type": "REQUEST", "dns": {"query": "api.example.com."}}}, "name lookup"),
    ],
)
def test_what_is_no_egress_is_skipped_with_its_reason(change, reason):
    assert decoded(**change) == Skipped(reason, AT)


def test_an_absent_is_reply_is_not_a_reply():
    line = event(at=AT)
    del line["flow"]["is_reply"]

    assert isinstance(decode_line(orjson.dumps(line)), ObservedFlow)


@pytest.mark.parametrize("kind", ["agent_event", "debug_event", "node_status"])
def test_other_events_are_skipped(kind):
    line = orjson.dumps({kind: {}, "time": "2026-11-23T15:04:05.678901Z"})

    assert isinstance(decode_line(line), Skipped)


def test_lost_events_are_a_gap():
    assert decode_line(orjson.dumps(lost(at=AT, number="18446744073709551615"))) == LostRecords(
        started_at=AT, ended_at=AT, node="node-1", lost=2**62, reason="events lost in Hubble's ring buffer"
    )


def test_a_dns_response_is_evidence_for_the_pod_that_asked():
    record = decode_line(orjson.dumps(dns_answer(at=AT, name="API.example.com", addresses=("203.0.113.10", "junk"))))

    assert record == DnsAnswer(AT, "shop", "checkout-7d4b9c6f8b-x2x9z", "api.example.com", ("203.0.113.10",))


def test_names_are_canonical_sorted_and_what_is_none_is_left_out():
    record = decoded(names=("Z.example.com.", "a.example.com", "bad name", "a..b", "x" * 64 + ".example.com"))

    assert record.names == ("a.example.com", "z.example.com")


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("web-7d4b9c6f8b-x2x9z", "web"),
        ("web-api-7d4b9c6f8b-x2x9z", "web-api"),
        ("agent-x2x9z", "agent"),
        ("db-0", "db"),
        ("web-proxy", "web-proxy"),
        ("solo", "solo"),
        ("BAD/name", ""),
    ],
)
def test_without_a_controller_the_pods_name_loses_its_generated_part(pod, workload):
    assert decoded(workload="", pod=pod).workload == workload


@pytest.mark.parametrize(
    ("change", "port", "protocol"),
    [
        ({"l4": {"UDP": {"destination_port": 53, "source_port": 9}}}, 53, "UDP"),
        ({"l4": {"SCTP": {"destination_port": 36412}}}, 36412, "SCTP"),
        ({"l4": {"ICMPv4": {"type": 8}}}, None, "ICMP"),
        ({"l4": {"ICMPv6": {"type": 128}}}, None, "ICMP"),
        ({"l4": None}, None, "unknown"),
    ],
)
def test_ports_and_protocols(change, port, protocol):
    record = decoded(**change)

    assert (record.port, record.protocol) == (port, protocol)


def test_a_mapped_address_is_the_one_on_the_wire():
    assert decoded(address="::ffff:203.0.113.10").address == "203.0.113.10"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": "yesterday"}, "no readable time"),
        ({"time": "2026-11-23T15:04:05"}, "no readable time"),
        ({"time": 5}, None),
        ({"IP": {"destination": "999.1.1.1"}}, "address is not an IP address"),
        ({"IP": {"destination": "fe80::1%eth0"}}, "address is not an IP address"),
        ({"IP": {}, "destination_names": []}, "no destination"),
        ({"l4": {"TCP": {"destination_port": 70000}}}, "port is not a number up to 65535"),
        ({"l4": {"TCP": {"destination_port": True}}}, "port is not a number up to 65535"),
        ({"source": {"namespace": "Shop\u0000"}}, "namespace is not a name"),
        ({"source": {"namespace": "a" * 64}}, "namespace is not a name"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_quoted(change, reason):
    if reason is None:
        with pytest.raises(BadLine):
            decoded(**change)
        return
    with pytest.raises(BadLine) as caught:
        decoded(**change)

    assert caught.value.reason == reason


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":"\x00"}', b"[" * 5000, b'{"flow":1}'])
def test_hostile_lines_are_bad_lines(line):
    with pytest.raises(BadLine):
        decode_line(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("time", "verdict", "IP", "l4", "l7", "source", "destination", "destination_names", "is_reply", "drop_reason")


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5))
def test_any_value_in_any_field_is_a_record_or_a_bad_line(changes):
    try:
        record = decoded(**changes)
    except BadLine:
        return
    assert isinstance(record, ObservedFlow | DnsAnswer | LostRecords | Skipped)
