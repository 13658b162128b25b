"""Calico: tiers by order, first match, Pass, and the deny at the end of a tier that applied."""

import pytest

from policy.simulation.calico_selectors import BadSelector, parse_calico_selector
from policy.simulation.selectors import Labels
from tests.policy.simulation.builders import (
    API,
    DB,
    OTHER,
    OUTSIDE,
    WEB,
    answer,
    calico_global,
    calico_policy,
    calico_tier,
    cilium_policy,
    cluster_policy,
    judge,
    network_policy,
)

ALLOW_TEST_NET = {"action": "Allow", "destination": {"nets": ["192.0.2.0/24"]}}
DENY_TEST_NET = {"action": "Deny", "destination": {"nets": ["192.0.2.0/24"]}}
PASS_ALL = {"action": "Pass"}


def test_14_a_policy_that_applies_denies_at_the_end_of_its_tier():
    verdict = judge(calico_policy(types=["Egress"]))

    assert verdict.answer == "deny"
    assert "tier default" in verdict.egress.reason


def test_14_a_policy_that_does_not_apply_denies_nothing():
    assert answer(calico_policy(types=["Ingress"])) == "allow"
    assert answer(calico_policy(types=["Egress"], selector="app == 'db'")) == "allow"


@pytest.mark.parametrize(
    ("spec", "egress", "ingress"),
    [
        ({}, "allow", "deny"),
        ({"egress": [ALLOW_TEST_NET]}, "allow", "allow"),
        ({"ingress": [{"action": "Deny"}]}, "allow", "deny"),
        ({"types": ["Ingress", "Egress"]}, "deny", "deny"),
    ],
)
def test_03_types_default_to_the_directions_that_have_rules(spec, egress, ingress):
    policy = calico_policy(**spec)

    assert judge(policy).egress.answer == egress
    assert judge(policy, src=API, dst=WEB).ingress.answer == ingress


def test_14_the_first_matching_rule_decides_by_order_and_then_by_name():
    first = calico_policy("b", order=1, types=["Egress"], egress=[DENY_TEST_NET])
    second = calico_policy("a", order=2, types=["Egress"], egress=[ALLOW_TEST_NET])
    unordered = calico_policy("c", types=["Egress"], egress=[ALLOW_TEST_NET])

    assert answer(first, second) == "deny"
    assert answer({**second, "spec": {**second["spec"], "order": 0}}, first) == "allow"
    assert answer(unordered, first) == "deny"


def test_14_pass_goes_to_the_next_tier_and_behind_the_last_one_everything_is_open():
    tier = calico_tier("guard", order=100)
    passing = calico_policy("guard.pass", tier="guard", types=["Egress"], egress=[PASS_ALL])

    assert answer(tier, passing) == "allow"
    assert answer(tier, passing, network_policy()) == "deny"
    assert answer(tier, passing, network_policy(egress=[{}])) == "allow"


@pytest.mark.parametrize(("default_action", "expected"), [("Deny", "deny"), ("Pass", "allow"), (None, "deny")])
def test_14_the_end_of_a_tier_is_what_the_tier_says(default_action, expected):
    spec = {"order": 100} | ({"defaultAction": default_action} if default_action else {})
    policy = calico_policy("guard.some", tier="guard", types=["Egress"], egress=[])

    assert answer(calico_tier("guard", **spec), policy) == expected


def test_14_a_tier_before_the_default_one_decides_before_network_policies():
    deny = calico_global("guard.deny", tier="guard", types=["Egress"], egress=[DENY_TEST_NET, PASS_ALL])

    assert answer(calico_tier("guard", order=100), deny, network_policy(egress=[{}])) == "deny"
    assert answer(calico_tier("guard", order=100), deny, network_policy(egress=[{}]), dst={"ip": "8.8.8.8"}) == "allow"


def test_15_network_policies_stand_in_the_default_tier_at_order_1000():
    before = calico_policy("before", order=900, types=["Egress"], egress=[DENY_TEST_NET])
    after = calico_policy("after", order=1100, types=["Egress"], egress=[ALLOW_TEST_NET])

    assert answer(before, network_policy(egress=[{}])) == "deny"
    assert answer(after, network_policy()) == "allow"


def test_15_cluster_policies_stand_in_calico_s_own_tiers_around_the_others():
    admin_deny = cluster_policy(egress=[{"action": "Deny", "to": [{"networks": ["192.0.2.0/24"]}]}])
    baseline_deny = cluster_policy(tier="Baseline", egress=[{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}])
    allow = calico_policy(types=["Egress"], egress=[ALLOW_TEST_NET])
    elsewhere = calico_policy(types=["Egress"], selector="app == 'db'")

    assert answer(admin_deny, allow) == "deny"
    assert answer(baseline_deny, allow) == "allow"
    assert answer(baseline_deny, elsewhere) == "deny"


def test_14_a_tier_may_stand_before_the_one_of_the_admin_policies():
    accept = cluster_policy(egress=[{"action": "Accept", "to": [{"networks": ["192.0.2.0/24"]}]}])
    deny = calico_global("guard.deny", tier="guard", types=["Egress"], egress=[DENY_TEST_NET])

    assert answer(calico_tier("guard", order=10), deny, accept) == "deny"
    assert answer(calico_tier("guard", order=5000), deny, accept) == "allow"


def test_15_where_two_agents_enforce_both_must_agree():
    calico = calico_policy(types=["Egress"], egress=[ALLOW_TEST_NET])

    assert answer(calico, cilium_policy(egress=[{}])) == "deny"


def test_a_log_rule_decides_nothing_and_keeps_the_places_of_the_others():
    verdict = judge(calico_policy(types=["Egress"], egress=[{"action": "Log"}, ALLOW_TEST_NET]))

    assert (verdict.answer, verdict.egress.rule) == ("allow", 1)


def test_staged_policies_decide_nothing_and_are_noted():
    staged = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "StagedNetworkPolicy",
        "metadata": {"name": "later", "namespace": "shop"},
        "spec": {"types": ["Egress"], "stagedAction": "Set"},
    }
    verdict = judge(staged)

    assert verdict.answer == "allow"
    assert any("staged" in note for note in verdict.notes)


@pytest.mark.parametrize(
    ("destination", "dst", "expected"),
    [
        ({"selector": "app == 'db'"}, DB, "allow"),
        ({"selector": "app == 'api'"}, API, "deny"),
        ({"selector": "app == 'api'", "namespaceSelector": "team == 'b'"}, API, "allow"),
        ({"namespaceSelector": "projectcalico.org/name == 'bank'"}, API, "allow"),
        ({"namespaceSelector": "projectcalico.org/name == 'shop'"}, API, "deny"),
        ({"namespaceSelector": "all()"}, API, "allow"),
        ({"namespaceSelector": "all()"}, OUTSIDE, "deny"),
        ({"selector": "all()"}, OUTSIDE, "deny"),
        ({"notSelector": "app == 'api'"}, DB, "allow"),
        ({"notSelector": "app == 'db'"}, DB, "deny"),
        ({"nets": ["10.0.0.0/16"], "notNets": ["10.0.0.2/32"]}, DB, "deny"),
        ({"nets": ["10.0.0.0/16"]}, DB, "allow"),
        ({"nets": ["192.0.2.0/24"], "selector": "all()"}, OUTSIDE, "deny"),
        ({"serviceAccounts": {"names": ["default"]}}, DB, "allow"),
        ({"serviceAccounts": {"names": ["other"]}}, DB, "deny"),
    ],
)
def test_08_all_parts_of_a_destination_must_hold(destination, dst, expected):
    policy = calico_policy(types=["Egress"], egress=[{"action": "Allow", "destination": destination}])

    assert answer(policy, dst=dst) == expected


def test_08_the_source_of_an_egress_rule_is_the_pod_itself():
    rule = {"action": "Allow", "source": {"selector": "app == 'web'"}, "destination": {"nets": ["192.0.2.0/24"]}}
    policy = calico_policy(types=["Egress"], egress=[rule])

    assert (answer(policy), answer(policy, src=DB)) == ("allow", "deny")


def test_a_selector_finds_network_sets_of_the_right_scope():
    nets = {"nets": ["192.0.2.0/24"]}
    about = {"name": "vendors", "labels": {"kind": "vendor"}}
    globally = {"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet", "metadata": about, "spec": nets}
    here = {**globally, "kind": "NetworkSet", "metadata": {**about, "namespace": "shop"}}
    elsewhere = {**here, "metadata": {**about, "namespace": "bank"}}

    def opened(network_set, **destination):
        rule = {"action": "Allow", "destination": {"selector": "kind == 'vendor'", **destination}}
        return answer(network_set, calico_policy(types=["Egress"], egress=[rule]))

    assert opened(globally) == "deny"
    assert opened(globally, namespaceSelector="global()") == "allow"
    assert opened(here) == "allow"
    assert opened(elsewhere) == "deny"
    assert opened(elsewhere, namespaceSelector="team == 'b'") == "allow"
    rule = {"action": "Allow", "destination": {"selector": "kind == 'vendor'"}}
    assert answer(globally, calico_global(types=["Egress"], egress=[rule])) == "allow"


@pytest.mark.parametrize(
    ("rule", "port", "protocol", "expected"),
    [
        ({"protocol": "TCP", "destination": {"ports": ["8000:9000"]}}, 9000, "TCP", "allow"),
        ({"protocol": "TCP", "destination": {"ports": ["8000:9000"]}}, 9001, "TCP", "deny"),
        ({"protocol": "TCP", "destination": {"ports": [443]}}, 443, "UDP", "deny"),
        ({"protocol": 17}, 443, "UDP", "allow"),
        ({"protocol": "TCP", "destination": {"notPorts": [443]}}, 443, "TCP", "deny"),
        ({"protocol": "TCP", "destination": {"notPorts": [443]}}, 80, "TCP", "allow"),
        ({"notProtocol": "UDP"}, 443, "TCP", "allow"),
        ({"notProtocol": "UDP"}, 443, "UDP", "deny"),
        ({}, 443, "SCTP", "allow"),
        ({"protocol": "ICMP", "icmp": {"type": 8}}, None, "ICMP", "unknown"),
        ({"protocol": "TCP"}, None, "ICMP", "deny"),
        ({"ipVersion": 6}, 443, "TCP", "deny"),
        ({"ipVersion": 4}, 443, "TCP", "allow"),
    ],
)
def test_11_protocols_and_ports(rule, port, protocol, expected):
    policy = calico_policy(types=["Egress"], egress=[{"action": "Allow", **rule}])

    assert answer(policy, port=port, protocol=protocol) == expected


def test_12_named_ports_are_those_of_the_target():
    rule = {"action": "Allow", "protocol": "TCP", "destination": {"ports": ["sql"]}}
    policy = calico_global(types=["Egress"], egress=[rule])

    assert answer(policy, dst=DB, port=5432) == "allow"
    assert answer(policy, dst=OTHER, port=5432) == "deny"
    assert answer(policy, dst=OUTSIDE, port=5432) == "deny"


def test_a_global_policy_takes_the_namespaces_that_it_selects():
    policy = calico_global(types=["Egress"], namespaceSelector="team == 'b'")

    assert (answer(policy), answer(policy, src=API)) == ("allow", "deny")
    by_label = calico_global(types=["Egress"], selector="projectcalico.org/namespace == 'bank'")
    assert (answer(by_label), answer(by_label, src=API)) == ("allow", "deny")


def test_06_domains_are_enterprise_only_and_any_depth():
    rule = {"action": "Allow", "destination": {"domains": ["*.example.com"]}}
    policy = calico_policy(types=["Egress"], egress=[rule])
    name = {"fqdn": "a.b.example.com", "ip": "192.0.2.1"}

    assert answer(policy, dst=name, profile="calico-enterprise") == "allow"
    assert answer(policy, dst={**name, "fqdn": "example.com"}, profile="calico-enterprise") == "deny"
    assert answer(policy, dst={"ip": "192.0.2.1"}, profile="calico-enterprise") == "unknown"


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        ("", {}, True),
        ("all()", {}, True),
        ("app == 'web'", {"app": "web"}, True),
        ("app == 'web'", {}, False),
        ("app != 'web'", {}, True),
        ('app != "web"', {"app": "web"}, False),
        ("has(app)", {"app": ""}, True),
        ("!has(app)", {}, True),
        ("!!has(app)", {}, False),
        ("app in {'a', 'b'}", {"app": "b"}, True),
        ("app not in {'a','b'}", {}, True),
        ("app not in {'a','b'}", {"app": "a"}, False),
        ("app contains 'e'", {"app": "web"}, True),
        ("app contains 'e'", {}, False),
        ("app starts with 'w'", {"app": "web"}, True),
        ("app ends with 'b' && has(tier) || x == 'y'", {"app": "web"}, False),
        ("app ends with 'b' && has(tier) || x == 'y'", {"x": "y"}, True),
        ("!(app == 'web' || has(tier))", {"tier": "1"}, False),
        ("kubernetes.io/name == 'a'", {"kubernetes.io/name": "a"}, True),
    ],
)
def test_the_selector_language(text, labels, selected):
    assert (parse_calico_selector(text).judge(Labels(labels)) == 3) is selected


@pytest.mark.parametrize(
    "text",
    ["app ==", "app = 'web'", "app == web", "(has(a)", "has(a))", "app in {'a'", "'a' == app", "a @ 'b'", "(" * 100],
)
def test_texts_that_are_no_selector(text):
    with pytest.raises(BadSelector):
        parse_calico_selector(text)


def test_a_label_that_everything_selected_must_carry_is_known_for_the_index():
    assert parse_calico_selector("app == 'web' && has(x)").pairs == {"app": "web"}
    assert parse_calico_selector("app == 'web' || has(x)").pairs == {}
    assert parse_calico_selector("!(app == 'web')").pairs == {}
