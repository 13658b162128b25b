"""ClusterNetworkPolicy, AdminNetworkPolicy and the baseline: ordered tiers around NetworkPolicy."""

import pytest

from tests.policy.simulation.builders import (
    API,
    CLUSTER,
    DB,
    OUTSIDE,
    WEB,
    admin_policy,
    answer,
    baseline_policy,
    block,
    cluster_policy,
    judge,
    labels,
    network_policy,
)

EVERYWHERE = [{"networks": ["0.0.0.0/0", "::/0"]}]
PODS = [{"namespaces": {}}]
CLOSED = network_policy()
OPEN = network_policy(egress=[{}])


def one(action, to=None, **more):
    return [{"action": action, "to": to or EVERYWHERE, **more}]


@pytest.mark.parametrize(
    ("action", "network", "expected"),
    [
        ("Accept", CLOSED, "allow"),
        ("Deny", OPEN, "deny"),
        ("Pass", CLOSED, "deny"),
        ("Pass", OPEN, "allow"),
    ],
)
def test_14_the_admin_tier_decides_before_network_policies_unless_it_passes(action, network, expected):
    assert answer(cluster_policy(egress=one(action)), network) == expected


@pytest.mark.parametrize(("action", "expected"), [("Accept", "allow"), ("Deny", "deny"), ("Pass", "allow")])
def test_14_the_baseline_tier_decides_for_pods_that_no_network_policy_isolates(action, expected):
    baseline = cluster_policy(tier="Baseline", egress=one(action))

    assert answer(baseline) == expected
    assert answer(baseline, OPEN) == "allow"
    assert answer(baseline, CLOSED) == "deny"


def test_14_an_accept_isolates_nobody():
    assert answer(cluster_policy(egress=one("Accept", [{"networks": ["203.0.113.0/24"]}]))) == "allow"


def test_14_lower_priority_numbers_come_first_and_the_first_match_decides():
    deny = cluster_policy("deny", priority=1, egress=one("Deny"))
    accept = cluster_policy("accept", priority=2, egress=one("Accept"))

    assert answer(deny, accept) == answer(accept, deny) == "deny"
    rules = [*one("Accept", [{"networks": ["192.0.2.1/32"]}]), *one("Deny")]
    assert answer(cluster_policy(egress=rules)) == "allow"
    assert answer(cluster_policy(egress=rules), dst={"ip": "192.0.2.2"}) == "deny"


def test_14_pass_jumps_over_the_rest_of_its_tier_only():
    passing = cluster_policy("pass", priority=1, egress=one("Pass"))
    deny = cluster_policy("deny", priority=2, egress=one("Deny"))
    baseline = cluster_policy("baseline", tier="Baseline", egress=one("Deny"))

    assert answer(passing, deny) == "allow"
    assert answer(passing, deny, baseline) == "deny"


def test_14_policies_of_one_priority_that_disagree_have_no_defined_order():
    deny = cluster_policy("deny", egress=one("Deny"))
    accept = cluster_policy("accept", egress=one("Accept"))
    both = judge(deny, accept)

    assert both.answer == "cni-dependent"
    assert "priority" in both.egress.reason
    assert answer(deny, cluster_policy("again", egress=one("Deny"))) == "deny"


def test_05_networks_match_pods_by_the_text_of_the_api_but_not_on_cilium():
    deny = cluster_policy(egress=one("Deny"))

    assert answer(deny, dst=DB, profile="api") == "deny"
    assert answer(deny, dst=DB, profile="cilium") == "allow"
    assert answer(deny, dst=DB, profile="cilium?policy-cidr-match-mode=pods,nodes") == "deny"


@pytest.mark.parametrize(
    ("name", "expected"), [("a.example.com", "allow"), ("a.b.example.com", "allow"), ("example.com", "deny")]
)
def test_06_domain_names_are_any_depth_without_the_apex(name, expected):
    rules = [*one("Accept", [{"domainNames": ["*.example.com"]}]), *one("Deny")]
    policy = cluster_policy(egress=rules)

    assert answer(policy, dst={"fqdn": name, "ip": "192.0.2.1"}) == expected
    assert answer(policy, dst={"fqdn": name, "ip": "192.0.2.1"}, profile="cilium") == expected
    assert answer(policy, dst={"fqdn": name, "ip": "192.0.2.1"}, profile="calico") == "deny"


def test_07_an_address_without_a_name_is_unknown_to_a_rule_of_names():
    policy = cluster_policy(egress=[*one("Accept", [{"domainNames": ["*.example.com"]}]), *one("Deny")])

    assert answer(policy, dst={"ip": "192.0.2.1"}) == "unknown"


def test_a_deny_that_cannot_be_read_denies_everybody():
    policy = cluster_policy(egress=one("Deny", [{"nodes": labels(role="worker")}]))

    assert answer(policy, dst=OUTSIDE, profile="api") == "allow"
    assert answer(policy, dst=OUTSIDE, profile="calico") == "deny"


def test_nodes_are_chosen_by_their_labels():
    policy = cluster_policy(egress=one("Deny", [{"nodes": labels(role="control")}]))

    assert answer(policy, dst={"ip": "172.16.0.2"}) == "deny"
    assert answer(policy, dst={"ip": "192.0.2.1"}) == "allow"


@pytest.mark.parametrize(
    ("protocols", "port", "protocol", "expected"),
    [
        ([{"tcp": {"destinationPort": {"number": 443}}}], 443, "TCP", "deny"),
        ([{"tcp": {"destinationPort": {"number": 443}}}], 443, "UDP", "allow"),
        ([{"udp": {"destinationPort": {"range": {"start": 400, "end": 500}}}}], 500, "UDP", "deny"),
    ],
)
def test_11_protocols(protocols, port, protocol, expected):
    policy = cluster_policy(egress=one("Deny", protocols=protocols))

    assert answer(policy, port=port, protocol=protocol) == expected


def test_12_named_ports_of_the_target():
    policy = cluster_policy(egress=one("Deny", PODS, protocols=[{"destinationNamedPort": "sql"}]))

    assert (answer(policy, dst=DB, port=5432), answer(policy, dst=DB, port=443)) == ("deny", "allow")


def test_the_subject_is_chosen_by_namespace_or_by_pod():
    by_pod = {"pods": {"namespaceSelector": labels(team="a"), "podSelector": labels(app="db")}}
    policy = cluster_policy(subject=by_pod, egress=one("Deny"))

    assert (answer(policy, src=WEB), answer(policy, src=DB), answer(policy, src=API)) == ("allow", "deny", "allow")
    only_bank = cluster_policy(
        subject={"namespaces": labels(**{"kubernetes.io/metadata.name": "bank"})}, egress=one("Deny")
    )
    assert (answer(only_bank, src=WEB), answer(only_bank, src=API)) == ("allow", "deny")


def test_admin_and_baseline_policies_of_the_first_version():
    deny = admin_policy(
        egress=[{"action": "Deny", "to": EVERYWHERE, "ports": [{"portNumber": {"port": 25, "protocol": "TCP"}}]}]
    )
    baseline = baseline_policy(egress=[{"action": "Deny", "to": EVERYWHERE}])

    assert answer(deny, port=25) == "deny"
    assert answer(deny, port=443) == "allow"
    assert answer(baseline) == "deny"
    assert answer(baseline, OPEN) == "allow"
    span = {"portRange": {"protocol": "TCP", "start": 1, "end": 1000}}
    assert answer(admin_policy(egress=[{"action": "Deny", "to": EVERYWHERE, "ports": [span]}]), port=1000) == "deny"


def test_15_both_versions_lie_in_one_tier_by_their_priorities():
    old = admin_policy("old", priority=5, egress=[{"action": "Allow", "to": EVERYWHERE}])
    new = cluster_policy("new", priority=6, egress=one("Deny"))

    assert answer(old, new) == "allow"
    assert answer({**old, "spec": {**old["spec"], "priority": 7}}, new) == "deny"


def test_ingress_is_judged_at_the_target():
    policy = cluster_policy(ingress=[{"action": "Deny", "from": [{"namespaces": labels(team="b")}]}])
    verdict = judge(policy, src=API, dst=DB)

    assert (verdict.egress.answer, verdict.ingress.answer) == ("allow", "deny")


def test_18_pods_on_the_host_network_are_never_the_subject_nor_the_peer():
    agent = {"namespace": "kube-system", "pod": "agent"}

    assert answer(cluster_policy(egress=one("Deny")), src=agent) == "allow"
    assert answer(cluster_policy(egress=one("Deny", PODS)), src=DB, dst=agent, cluster=CLUSTER) == "allow"


def test_08_a_network_policy_still_decides_what_the_admin_tier_leaves_open():
    guard = cluster_policy(egress=one("Deny", [{"networks": ["203.0.113.0/24"]}]))

    assert answer(guard, network_policy(egress=[{"to": [block("192.0.2.0/24")]}])) == "allow"
    assert answer(guard, network_policy(egress=[{"to": [block("198.51.100.0/24")]}])) == "deny"
