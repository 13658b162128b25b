"""Risk: each rule has a case that it finds and one that it leaves alone."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from policy.destinations import parse_destination
from policy.ports import parse_ports
from policy.risk import (
    RULE_SET,
    RULE_SET_VERSION,
    PastRequest,
    RuleSet,
    Subject,
    assess,
    assess_together,
    compare_rule_sets,
    rule_table,
)

CASES = [
    ("metadata-address", "169.254.169.254/32", "443", {}),
    ("metadata-address", "64:ff9b::a9fe:a9fe/128", "443", {}),
    ("metadata-address", "168.63.129.16/32", "443", {}),
    ("local-address", "127.0.0.0/8", "443", {}),
    ("local-address", "fe80::/64", "443", {}),
    ("local-address", "224.0.0.1/32", "443", {}),
    ("whole-internet", "0.0.0.0/0", "443", {}),
    ("whole-internet", "128.0.0.0/2", "443", {}),
    ("whole-internet", "2000::/3", "443", {}),
    ("cluster-network", "10.96.0.1/32", "443", {"own_networks": [ip_network("10.96.0.0/12")]}),
    ("wildcard-covers-strangers", "*.co.uk", "443", {}),
    ("wildcard-covers-strangers", "**.amazonaws.com", "443", {}),
    ("wildcard-on-shared-hosting", "*.team.sharepoint.com", "443", {}),
    ("every-protocol", "api.example.com", "any", {}),
    ("every-port", "api.example.com", "tcp", {}),
    ("very-broad-network", "8.0.0.0/8", "443", {}),
    ("very-broad-network", "2a00:1450::/32", "443", {}),
    ("tunnel-address", "64:ff9b::808:808/128", "443", {}),
    ("carrier-address", "100.64.1.0/24", "443", {}),
    ("mixed-scripts", "xn--pypal-4ve.com", "443", {}),
    ("looks-like-known-name", "examp1e.com", "443", {"known_names": ["example.com"]}),
    ("restricted-data", "api.example.com", "443", {"data_class": "restricted"}),
    ("confidential-data", "api.example.com", "443", {"data_class": "Confidential"}),
    ("private-address", "10.1.0.0/24", "443", {}),
    ("private-address", "fd12::/64", "443", {}),
    ("reserved-address", "203.0.113.0/24", "443", {}),
    ("broad-network", "8.8.0.0/16", "443", {}),
    ("any-depth-wildcard", "**.example.com", "443", {}),
    ("one-level-wildcard", "*.example.com", "443", {}),
    ("shared-front", "d111111abcdef8.cloudfront.net", "443", {}),
    ("look-alike", "xn--80ak6aa92e.com", "443", {}),
    ("wide-port-range", "api.example.com", "2000-4000", {}),
    ("remote-control-port", "api.example.com", "20-25", {}),
    ("resolver-port", "8.8.8.8/32", "53/udp", {}),
    ("plaintext-port", "api.example.com", "80", {}),
    ("icmp", "8.8.8.8/32", "icmp", {}),
    ("international-name", "xn--bcher-kva.example", "443", {}),
    ("first-use", "api.vendor.com", "443", {"known_names": ["www.other.com"]}),
    ("production", "api.example.com", "443", {"reaches_production": True}),
]


def judge(text: str, *, ports: str = "443", **facts):
    facts = {"reaches_production": False} | facts
    return assess(destination=parse_destination(text), ports=parse_ports(ports), **facts)


@pytest.mark.parametrize(("rule", "text", "ports", "facts"), CASES)
def test_the_rule_finds_its_case_and_says_why(rule, text, ports, facts):
    report = judge(text, ports=ports, **facts)

    finding = next(finding for finding in report.findings if finding.rule == rule)
    assert finding.reason
    assert finding.approvals
    assert report == judge(text, ports=ports, **facts)


def test_every_rule_of_the_table_has_a_case():
    assert {rule.name for rule in RULE_SET.rules} == {case[0] for case in CASES}
    assert len(rule_table()) == len(RULE_SET.rules)


@pytest.mark.parametrize("text", ["api.example.com", "8.8.8.8/32", "2a00:1450::1/128", "*.team.example.com"])
def test_an_ordinary_destination_needs_one_reviewer(text):
    report = judge(text)

    assert {finding.severity for finding in report.findings} <= {"low"}
    assert [(need.role, need.count) for need in report.approvals] == [("security-reviewer", 1)]
    assert report.version == RULE_SET_VERSION


def test_a_high_finding_needs_two_reviewers():
    report = judge("api.example.com", ports="any")

    assert report.severity == "high"
    assert {need.role: need.count for need in report.approvals} == {"security-reviewer": 2, "team-lead": 1}


def test_a_refusal_stays_one_whoever_approves():
    assert judge("169.254.169.254/32").is_refused
    assert not judge("10.0.0.0/8").is_refused


def test_an_exception_takes_the_metadata_address_out():
    report = judge("169.0.0.0/8 except 169.254.0.0/16")

    assert not report.is_refused


def test_the_whole_internet_is_seen_in_pieces():
    pieces = [parse_destination(f"{first}.0.0.0/4") for first in range(0, 256, 16)]
    report = assess_together(destinations=pieces, ports=parse_ports("443"), reaches_production=False)

    assert "whole-internet" in {finding.rule for finding in report.findings}
    assert "whole-internet" not in {finding.rule for finding in judge("16.0.0.0/4").findings}


def test_order_of_a_list_changes_nothing():
    given = [parse_destination(text) for text in ("api.example.com", "10.0.0.0/8", "*.example.org")]
    one = assess_together(destinations=given, ports=parse_ports("443"), reaches_production=True)
    other = assess_together(destinations=reversed(given), ports=parse_ports("443"), reaches_production=True)

    assert one == other


def test_a_zone_of_the_house_may_have_wildcards():
    assert judge("*.corp.internal").findings != ()
    assert not judge("*.internal", internal_zones=["internal"]).is_refused


def test_the_bench_tells_which_past_requests_another_rule_set_would_judge_otherwise():
    def past(reference: str, text: str) -> PastRequest:
        destination = parse_destination(text)
        subject = Subject(
            destination=destination,
            ports=parse_ports("443"),
            reaches_production=False,
            addresses=destination.addresses,
        )
        return PastRequest(reference, subject)

    stricter = tuple(
        replace(rule, severity="high") if rule.name == "any-depth-wildcard" else rule
        for rule in RULE_SET.rules
        if rule.name != "private-address"
    )
    requests = [past("1", "api.example.com"), past("2", "**.example.com"), past("3", "10.0.0.0/24")]

    changes = list(compare_rule_sets(requests, before=RULE_SET, after=RuleSet("next", stricter)))

    assert [change.reference for change in changes] == ["2", "3"]
    assert changes[0].asks_for_other_people
    assert changes[1].rules_removed == ("private-address",)
