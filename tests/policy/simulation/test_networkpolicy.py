"""Kubernetes NetworkPolicy; the numbers in names are those of the list of what most simulators get wrong."""

import pytest

from tests.policy.simulation.builders import (
    API,
    CLUSTER,
    DB,
    OTHER,
    OUTSIDE,
    WEB,
    answer,
    block,
    expression,
    judge,
    labels,
    network_policy,
)

CLOSED = network_policy("closed")


def test_01_one_broad_allow_anywhere_wins_over_every_narrow_policy():
    broad = network_policy("broad", egress=[{}])

    assert answer(CLOSED) == "deny"
    assert answer(CLOSED, broad) == answer(broad, CLOSED) == "allow"


@pytest.mark.parametrize(
    "reopening",
    [
        [network_policy("other", egress=[{"to": [block("192.0.2.0/24")]}])],
        [network_policy("rule", egress=[{"to": [block("192.0.2.0/24")], "ports": [{"port": 443}]}])],
    ],
)
def test_01_an_exception_is_no_deny_and_another_policy_reopens_it(reopening):
    holed = network_policy("holed", egress=[{"to": [block("0.0.0.0/0", "192.0.2.0/24")]}])

    assert answer(holed) == "deny"
    assert answer(holed, *reopening) == "allow"


def test_01_an_exception_is_reopened_by_another_peer_of_the_same_rule():
    peers = [block("0.0.0.0/0", "192.0.2.0/24"), block("192.0.2.1/32")]

    assert answer(network_policy(egress=[{"to": peers}])) == "allow"


def test_02_isolation_is_per_pod_and_per_direction():
    only_db = network_policy(selector=labels(app="db"))

    assert answer(only_db) == "allow"
    assert answer(only_db, src=DB) == "deny"
    assert answer(only_db, src=WEB, dst=DB) == "allow"


def test_02_a_policy_of_another_namespace_isolates_nobody_here():
    assert answer(network_policy(namespace="bank")) == "allow"


@pytest.mark.parametrize(
    ("sections", "egress", "ingress"),
    [
        ({}, "allow", "deny"),
        ({"egress": []}, "allow", "deny"),
        ({"egress": [{"ports": [{"port": 1}]}]}, "deny", "deny"),
        ({"ingress": []}, "allow", "deny"),
    ],
)
def test_03_absent_types_mean_ingress_and_egress_only_with_a_rule(sections, egress, ingress):
    policy = network_policy(types=None, **sections)

    assert judge(policy).egress.answer == egress
    assert judge(policy, src=API, dst=WEB).ingress.answer == ingress


def test_03_an_empty_list_of_types_counts_as_absent():
    assert judge(network_policy(types=[], egress=[{"ports": [{"port": 1}]}])).answer == "deny"


@pytest.mark.parametrize(
    ("profile", "expected"), [("api", "allow"), ("cilium", "deny"), ("aws", "deny"), ("calico", "allow")]
)
def test_03_given_types_win_over_sections_except_where_an_agent_enforces_the_stray_one(profile, expected):
    stray = network_policy(types=["Ingress"], egress=[{"to": [block("203.0.113.0/24")]}])

    assert answer(stray, profile=profile) == expected


def test_03_an_agent_that_enforces_stray_sections_takes_their_rules_as_well():
    stray = network_policy(types=["Ingress"], egress=[{"to": [block("192.0.2.0/24")]}])

    assert answer(stray, profile="cilium") == "allow"
    assert answer(stray, dst={"ip": "198.51.100.1"}, profile="cilium") == "deny"


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        ([], "deny"),
        (None, "deny"),
        ([{}], "allow"),
        ([{"to": []}], "allow"),
        ([{"ports": []}], "allow"),
        ([{"to": [], "ports": []}], "allow"),
    ],
)
def test_04_empty_absent_and_nil_lists(egress, expected):
    policy = network_policy() if egress is None else network_policy(egress=egress)

    assert answer(policy) == expected


def test_04_an_empty_pod_selector_takes_every_pod_of_its_namespace_only():
    to_pods = network_policy(egress=[{"to": [{"podSelector": {}}]}])

    assert answer(to_pods, dst=DB) == "allow"
    assert answer(to_pods, dst=API) == "deny"


def test_04_an_empty_namespace_selector_takes_every_pod_of_the_cluster_and_nothing_outside():
    everywhere = network_policy(egress=[{"to": [{"namespaceSelector": {}}]}])

    assert answer(everywhere, dst=API) == "allow"
    assert answer(everywhere) == "deny"
    assert answer(everywhere, profile="cilium") == "deny"


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("api", "cni-dependent"),
        ("cilium", "deny"),
        ("gke", "deny"),
        ("calico", "allow"),
        ("cilium?policy-cidr-match-mode=pods", "allow"),
        ("cilium?policy-cidr-match-mode=nodes", "deny"),
    ],
)
def test_05_whether_a_block_matches_a_pod_depends_on_the_implementation(profile, expected):
    policy = network_policy(egress=[{"to": [block("0.0.0.0/0")]}])

    assert answer(policy, dst=DB, profile=profile) == expected
    assert answer(policy, dst={"ip": "10.0.0.2"}, profile=profile) == expected


def test_05_a_block_without_the_address_of_the_pod_leaves_no_choice():
    assert answer(network_policy(egress=[{"to": [block("192.168.0.0/16")]}]), dst=DB) == "deny"


def test_05_what_another_rule_allows_is_no_longer_a_question():
    policy = network_policy(egress=[{"to": [block("10.0.0.0/8")]}, {"to": [{"podSelector": labels(app="db")}]}])

    assert answer(policy, dst=DB) == "allow"


def test_05_a_block_that_matches_for_ingress_is_as_uncertain():
    policy = network_policy(types=["Ingress"], ingress=[{"from": [block("10.0.0.0/8")]}])
    verdict = judge(policy, src=DB, dst=WEB)

    assert (verdict.egress.answer, verdict.ingress.answer) == ("allow", "cni-dependent")


def test_08_parts_of_a_peer_are_joined_by_and_while_peers_are_joined_by_or():
    both = network_policy(egress=[{"to": [{"namespaceSelector": labels(team="b"), "podSelector": labels(app="api")}]}])
    either = network_policy(
        egress=[{"to": [{"namespaceSelector": labels(team="b")}, {"podSelector": labels(app="db")}]}]
    )

    assert (answer(both, dst=API), answer(both, dst=OTHER)) == ("allow", "deny")
    assert (answer(either, dst=OTHER), answer(either, dst=DB)) == ("allow", "allow")


def test_08_peers_and_ports_combine_inside_a_rule_and_never_across():
    policy = network_policy(
        egress=[
            {"to": [block("192.0.2.0/24")], "ports": [{"port": 80}]},
            {"to": [block("198.51.100.0/24")], "ports": [{"port": 443}]},
        ]
    )

    assert answer(policy, port=443) == "deny"
    assert answer(policy, port=80) == "allow"


def test_09_both_ends_are_asked_and_the_one_that_said_no_is_named():
    closed_db = network_policy("closed-db", selector=labels(app="db"), types=["Ingress"])
    verdict = judge(closed_db, dst=DB)

    assert (verdict.answer, verdict.egress.answer, verdict.ingress.answer) == ("deny", "allow", "deny")
    assert verdict.ingress.origin == "NetworkPolicy shop/closed-db"


def test_09_an_outside_target_has_no_policies_of_its_own():
    assert judge(dst=OUTSIDE).as_document()["ingress"] == "allow"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (expression("missing", "NotIn", "x"), "allow"),
        (expression("missing", "DoesNotExist"), "allow"),
        (expression("missing", "In", ""), "deny"),
        (labels(missing=""), "deny"),
        (expression("tier", "Exists"), "allow"),
        (expression("tier", "DoesNotExist"), "deny"),
        (labels(tier=""), "allow"),
        (expression("tier", "NotIn", ""), "deny"),
        (labels(app="DB"), "deny"),
        (labels(App="db"), "deny"),
        ({**labels(app="db"), **expression("tier", "Exists")}, "allow"),
        ({**labels(app="db"), **expression("tier", "DoesNotExist")}, "deny"),
    ],
)
def test_10_label_selectors_on_missing_keys_and_empty_values(selector, expected):
    assert answer(network_policy(egress=[{"to": [{"podSelector": selector}]}]), dst=DB) == expected


def test_10_a_policy_selects_pods_that_lack_the_excluded_label():
    policy = network_policy(selector=expression("tier", "NotIn", "secret"))

    assert answer(policy) == "deny"


@pytest.mark.parametrize(
    ("ports", "protocol", "expected"),
    [
        ([{"port": 443}], "TCP", "allow"),
        ([{"port": 443}], "UDP", "deny"),
        ([{"protocol": "UDP"}], "UDP", "allow"),
        ([{"protocol": "UDP"}], "TCP", "deny"),
        ([{"protocol": "TCP"}, {"protocol": "UDP"}], "SCTP", "deny"),
        ([{"protocol": "SCTP", "port": 443}], "SCTP", "allow"),
        ([{"protocol": "TCP"}], "ICMP", "deny"),
    ],
)
def test_11_a_port_entry_always_fixes_the_protocol(ports, protocol, expected):
    port = None if protocol == "ICMP" else 443

    assert answer(network_policy(egress=[{"ports": ports}]), protocol=protocol, port=port) == expected


def test_11_icmp_passes_where_no_ports_are_listed():
    assert answer(network_policy(egress=[{}]), protocol="ICMP", port=None) == "allow"


@pytest.mark.parametrize(
    ("dst", "port", "protocol", "expected"),
    [
        (DB, 5432, "TCP", "allow"),
        (DB, 9999, "TCP", "deny"),
        (OTHER, 9999, "TCP", "allow"),
        (OTHER, 53, "TCP", "deny"),
        (API, 5432, "TCP", "deny"),
        (OUTSIDE, 5432, "TCP", "deny"),
    ],
)
def test_12_a_named_port_is_looked_up_on_the_target_pod_and_never_matches_an_address(dst, port, protocol, expected):
    policy = network_policy(egress=[{"ports": [{"port": "sql"}]}])

    assert answer(policy, dst=dst, port=port, protocol=protocol) == expected


def test_12_a_named_port_is_looked_up_per_protocol():
    policy = network_policy(egress=[{"ports": [{"port": "sql", "protocol": "UDP"}]}])

    assert answer(policy, dst=OTHER, port=53, protocol="UDP") == "allow"
    assert answer(policy, dst=OTHER, port=9999, protocol="UDP") == "deny"


def test_12_a_named_port_of_an_ingress_rule_is_that_of_the_protected_pod():
    policy = network_policy(selector=labels(app="db"), types=["Ingress"], ingress=[{"ports": [{"port": "sql"}]}])

    assert answer(policy, dst=DB, port=5432) == "allow"
    assert answer(policy, dst=DB, port=5433) == "deny"


@pytest.mark.parametrize(("port", "expected"), [(7999, "deny"), (8000, "allow"), (9000, "allow"), (9001, "deny")])
def test_13_the_end_of_a_range_of_ports_belongs_to_it(port, expected):
    assert answer(network_policy(egress=[{"ports": [{"port": 8000, "endPort": 9000}]}]), port=port) == expected


@pytest.mark.parametrize(
    ("blocks", "address", "expected"),
    [
        (["0.0.0.0/0"], "2001:db8::1", "deny"),
        (["::/0"], "192.0.2.1", "deny"),
        (["::/0"], "2001:db8::1", "allow"),
        (["2001:db8::/32"], "2001:DB8:0:0::1", "allow"),
        (["192.0.2.0/24"], "::ffff:192.0.2.1", "allow"),
    ],
)
def test_16_families_never_mix_and_addresses_compare_by_value(blocks, address, expected):
    policy = network_policy(egress=[{"to": [block(one) for one in blocks]}])

    assert answer(policy, dst={"ip": address}) == expected


def test_16_a_pod_with_two_addresses_is_unknown_to_a_block_of_one_family():
    policy = network_policy(egress=[{"to": [block("10.0.0.0/8")]}])

    assert answer(policy, dst=API, profile="calico") == "unknown"
    assert answer(policy, dst={**API, "ip": "10.0.1.1"}, profile="calico") == "allow"


@pytest.mark.parametrize(
    ("selector", "outside", "inside"),
    [
        (expression("team", "NotIn", "a"), "allow", "allow"),
        (expression("secret", "DoesNotExist"), "allow", "allow"),
        (expression("team", "Exists"), "deny", "allow"),
        ({**labels(team="b"), **expression("secret", "DoesNotExist")}, "deny", "allow"),
    ],
)
def test_a_purely_negative_namespace_selector_opens_the_outside_on_cilium_alone(selector, outside, inside):
    policy = network_policy(egress=[{"to": [{"namespaceSelector": selector}]}])

    assert answer(policy, profile="cilium") == outside
    assert answer(policy, profile="api") == "deny"
    assert answer(policy, dst=API, profile="cilium") == inside


def test_a_negative_namespace_selector_with_a_positive_pod_selector_stays_inside():
    peer = {"namespaceSelector": expression("team", "NotIn", "a"), "podSelector": labels(app="api")}

    assert answer(network_policy(egress=[{"to": [peer]}]), profile="cilium") == "deny"


def test_the_decision_names_object_rule_and_reason():
    policy = network_policy("web", egress=[{"to": [block("203.0.113.0/24")]}, {"to": [block("192.0.2.0/24")]}])
    because = judge(policy).as_document()["because"][0]

    assert because["object"] == "NetworkPolicy shop/web"
    assert (because["direction"], because["section"], because["rule"]) == ("egress", "egress", 1)
    assert "allows" in because["reason"]


def test_the_name_of_a_namespace_is_a_label_that_it_always_has():
    chosen = labels(**{"kubernetes.io/metadata.name": "bank"})

    assert answer(network_policy(egress=[{"to": [{"namespaceSelector": chosen}]}]), dst=API) == "allow"


def test_a_manifest_without_a_namespace_lies_in_default():
    pod = {"namespace": "default", "name": "lone", "labels": {}, "ip": "10.0.3.1"}
    cluster = {**CLUSTER, "pods": [*CLUSTER["pods"], pod]}

    assert answer(network_policy(namespace=None), src={"pod": "lone"}, cluster=cluster) == "deny"
