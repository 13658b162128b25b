"""Cilium's policies: denies beat allows, lists that are empty mean nobody, names come from DNS."""

import pytest

from policy.simulation import InvalidPolicies
from tests.policy.simulation.builders import (
    API,
    DB,
    DNS,
    OTHER,
    OUTSIDE,
    WEB,
    answer,
    cilium_clusterwide,
    cilium_policy,
    cluster_policy,
    expression,
    judge,
    labels,
    network_policy,
)

NAMES = [{"matchName": "api.example.com"}, {"matchPattern": "*.example.net"}]


def tcp(*ports):
    return [{"ports": [{"port": str(port), "protocol": "TCP"} for port in ports]}]


def test_03_an_empty_rule_isolates_and_allows_nothing():
    assert answer(cilium_policy(egress=[{}])) == "deny"
    assert answer(cilium_policy(egress=[{}]), dst=DB) == "deny"


def test_03_an_empty_section_alone_is_refused_as_the_agent_refuses_it():
    with pytest.raises(InvalidPolicies) as refused:
        judge(cilium_policy(egress=[]))

    assert refused.value.errors[0]["object"].startswith("CiliumNetworkPolicy")


@pytest.mark.parametrize(
    ("rule", "outside", "inside"),
    [
        ({"toEndpoints": []}, "deny", "deny"),
        ({"toEndpoints": [], "toPorts": tcp(443)}, "deny", "deny"),
        ({"toEndpoints": [{}]}, "deny", "allow"),
        ({"toPorts": tcp(443)}, "allow", "allow"),
        ({"toCIDR": ["0.0.0.0/0"]}, "allow", "deny"),
        ({"toEntities": ["all"]}, "allow", "allow"),
        ({"toEntities": ["world"]}, "allow", "deny"),
        ({"toEntities": ["cluster"]}, "deny", "allow"),
        ({"toEntities": ["none"]}, "deny", "deny"),
    ],
)
def test_04_what_an_empty_or_absent_list_of_peers_means(rule, outside, inside):
    policy = cilium_policy(egress=[rule])

    assert (answer(policy), answer(policy, dst=DB)) == (outside, inside)


def test_04_peers_of_a_namespaced_policy_are_in_its_own_namespace_unless_they_name_another():
    def opened(selector, dst):
        return answer(cilium_policy(egress=[{"toEndpoints": [selector]}]), dst=dst)

    assert opened({}, API) == "deny"
    assert opened(labels(app="api"), API) == "deny"
    assert opened(labels(**{"k8s:io.kubernetes.pod.namespace": "bank"}), API) == "allow"
    assert opened(labels(**{"io.kubernetes.pod.namespace": "bank", "any:app": "api"}), API) == "allow"
    assert opened(labels(**{"k8s:io.cilium.k8s.namespace.labels.team": "b"}), API) == "allow"
    assert opened(labels(**{"k8s:io.cilium.k8s.namespace.labels.team": "b"}), DB) == "deny"
    assert opened(expression("k8s:io.kubernetes.pod.namespace", "Exists"), API) == "allow"


def test_04_an_empty_peer_of_a_clusterwide_policy_is_any_pod_and_nothing_outside():
    policy = cilium_clusterwide(egress=[{"toEndpoints": [{}]}])

    assert (answer(policy, dst=API), answer(policy)) == ("allow", "deny")


@pytest.mark.parametrize(
    ("profile", "expected"), [("api", "deny"), ("cilium", "deny"), ("cilium?policy-cidr-match-mode=pods", "allow")]
)
def test_05_a_block_reaches_pods_only_where_the_agent_is_told_so(profile, expected):
    assert answer(cilium_policy(egress=[{"toCIDR": ["10.0.0.0/8"]}]), dst=DB, profile=profile) == expected


def test_05_blocks_have_exceptions_and_groups():
    group = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumCIDRGroup",
        "metadata": {"name": "vendors", "labels": {"kind": "vendor"}},
        "spec": {"externalCIDRs": ["192.0.2.0/24"]},
    }
    holed = cilium_policy(egress=[{"toCIDRSet": [{"cidr": "192.0.2.0/24", "except": ["192.0.2.0/28"]}]}])
    by_name = cilium_policy(egress=[{"toCIDRSet": [{"cidrGroupRef": "vendors"}]}])
    by_label = cilium_policy(egress=[{"toCIDRSet": [{"cidrGroupSelector": labels(kind="vendor")}]}])

    assert answer(holed) == "deny"
    assert answer(holed, dst={"ip": "192.0.2.77"}) == "allow"
    assert answer(by_name, group) == answer(by_label, group) == "allow"
    assert answer(by_name) == "unknown"


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*.example.net", "a.example.net", "allow"),
        ("*.example.net", "a.b.example.net", "deny"),
        ("*.example.net", "example.net", "deny"),
        ("**.example.net", "a.b.example.net", "allow"),
        ("**.example.net", "example.net", "deny"),
        ("*", "anything.test", "allow"),
        ("a*b.example.net", "axxb.example.net", "allow"),
    ],
)
def test_06_wildcards_keep_cilium_s_depth(pattern, name, expected):
    policy = cilium_policy(egress=[{"toFQDNs": [{"matchPattern": pattern}]}])

    assert answer(policy, dst={"fqdn": name, "ip": "192.0.2.1"}) == expected


@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        ({"fqdn": "api.example.com", "ip": "192.0.2.1"}, "allow"),
        ({"fqdn": "API.Example.com.", "ip": "192.0.2.1"}, "allow"),
        ({"fqdn": "api.example.com"}, "allow"),
        ({"fqdn": "www.example.com", "ip": "192.0.2.1"}, "deny"),
        ({"fqdn": "api.example.com", "ip": "192.0.2.1", "knownBy": "sni"}, "unknown"),
        ({"fqdn": "api.example.com", "ip": "192.0.2.1", "knownBy": "connect"}, "unknown"),
        ({"ip": "192.0.2.1"}, "unknown"),
        ({"fqdn": "api.example.com", "ip": "10.0.0.2"}, "deny"),
    ],
)
def test_07_a_name_counts_when_dns_said_it_and_never_for_what_is_in_the_cluster(dst, expected):
    assert answer(cilium_policy(egress=[{"toFQDNs": NAMES}]), dst=dst) == expected


def test_07_the_answer_says_that_it_went_by_the_name():
    verdict = judge(cilium_policy(egress=[{"toFQDNs": NAMES}]), dst={"fqdn": "api.example.com", "ip": "192.0.2.1"})

    assert "judged by the name api.example.com, known by dns" in verdict.notes


def test_07_server_names_ask_for_the_name_as_well():
    ports = [{"ports": [{"port": "443", "protocol": "TCP"}], "serverNames": ["api.example.com"]}]
    policy = cilium_policy(egress=[{"toCIDR": ["192.0.2.0/24"], "toPorts": ports}])

    assert answer(policy, dst={"fqdn": "api.example.com", "ip": "192.0.2.1"}) == "allow"
    assert answer(policy, dst={"fqdn": "www.example.com", "ip": "192.0.2.1"}) == "deny"
    assert answer(policy) == "unknown"


@pytest.mark.parametrize(
    ("port", "protocol", "flow", "expected"),
    [
        ("443", "ANY", "TCP", "allow"),
        ("443", "ANY", "SCTP", "allow"),
        ("443", "TCP", "SCTP", "deny"),
        ("0", "UDP", "UDP", "allow"),
        ("0", "UDP", "TCP", "deny"),
        ("0", "ANY", "ICMP", "deny"),
    ],
)
def test_11_any_is_the_three_protocols_that_have_ports(port, protocol, flow, expected):
    policy = cilium_policy(
        egress=[{"toEntities": ["world"], "toPorts": [{"ports": [{"port": port, "protocol": protocol}]}]}]
    )

    assert answer(policy, protocol=flow, port=None if flow == "ICMP" else 443) == expected


def test_11_an_absent_protocol_is_any():
    policy = cilium_policy(egress=[{"toPorts": [{"ports": [{"port": "443"}]}]}])

    assert answer(policy, protocol="UDP") == answer(policy, protocol="SCTP") == "allow"


def test_12_named_ports_are_those_of_the_target():
    policy = cilium_policy(egress=[{"toPorts": [{"ports": [{"port": "sql"}]}]}])

    assert answer(policy, dst=DB, port=5432) == "allow"
    assert answer(policy, port=5432) == "deny"


@pytest.mark.parametrize(
    ("field", "flow", "expected"),
    [
        ({"type": 8, "family": "IPv4"}, {"icmpType": 8}, "allow"),
        ({"type": "EchoRequest"}, {"icmpType": 8}, "allow"),
        ({"type": 8}, {"icmpType": 0}, "deny"),
        ({"type": 8}, {}, "unknown"),
        ({"type": 128, "family": "IPv6"}, {"icmpType": 8}, "deny"),
        ({"type": 128, "family": "IPv6"}, {"icmpType": 128, "dst": {"ip": "2001:db8::1"}}, "allow"),
    ],
)
def test_11_icmp_by_type_and_family(field, flow, expected):
    policy = cilium_policy(egress=[{"toEntities": ["world"], "icmps": [{"fields": [field]}]}])

    assert answer(policy, protocol="ICMP", port=None, **flow) == expected


def test_14_a_deny_beats_every_allow_of_any_width_and_of_any_kind():
    deny = cilium_clusterwide("guard", egressDeny=[{"toCIDR": ["192.0.2.0/24"]}], enableDefaultDeny={"egress": False})
    allows = [cilium_policy(egress=[{"toCIDR": ["192.0.2.1/32"]}]), network_policy(egress=[{}])]
    verdict = judge(*allows, deny)

    assert verdict.answer == "deny"
    assert verdict.egress.origin == "CiliumClusterwideNetworkPolicy guard"
    assert verdict.egress.section == "egressDeny"


def test_14_a_deny_takes_only_its_own_ports():
    deny = cilium_policy("guard", egressDeny=[{"toEntities": ["world"], "toPorts": tcp(25)}])
    allow = cilium_policy(egress=[{"toEntities": ["world"]}])

    assert (answer(deny, allow, port=25), answer(deny, allow, port=443)) == ("deny", "allow")


def test_14_a_section_of_denies_alone_isolates_as_well():
    assert answer(cilium_policy(egressDeny=[{"toCIDR": ["203.0.113.0/24"]}])) == "deny"


def test_14_without_default_deny_a_policy_isolates_nobody_unless_another_does():
    additive = cilium_policy(egress=[{"toCIDR": ["203.0.113.0/24"]}], enableDefaultDeny={"egress": False})
    closing = cilium_policy("closing", egress=[{}])

    assert answer(additive) == "allow"
    assert answer(additive, closing) == "deny"
    assert answer(additive, closing, dst={"ip": "203.0.113.1"}) == "allow"


def test_14_an_explicit_default_deny_without_a_section_is_enforced_by_the_text_but_not_by_the_agent():
    policy = cilium_policy(ingress=[{}], enableDefaultDeny={"egress": True})

    assert (answer(policy, profile="api"), answer(policy, profile="cilium")) == ("deny", "allow")


def test_15_network_policies_and_cilium_policies_add_up():
    closed = network_policy()
    opening = cilium_policy(egress=[{"toCIDR": ["192.0.2.0/24"]}])
    clusterwide = cilium_clusterwide(egress=[{"toEntities": ["world"]}])

    assert answer(closed, opening) == "allow"
    assert answer(closed, clusterwide) == "allow"
    assert answer(cilium_policy(egress=[{}]), network_policy(egress=[{}])) == "allow"


@pytest.mark.parametrize("profile", ["api", "cilium"])
def test_14_a_baseline_accept_reopens_an_isolated_pod_on_cilium_alone(profile):
    accept = cluster_policy(tier="Baseline", egress=[{"action": "Accept", "to": [{"networks": ["0.0.0.0/0"]}]}])

    assert answer(network_policy(), accept, profile=profile) == ("allow" if profile == "cilium" else "deny")


def test_14_a_baseline_pass_reopens_nothing():
    passing = cluster_policy(tier="Baseline", egress=[{"action": "Pass", "to": [{"networks": ["0.0.0.0/0"]}]}])

    assert answer(network_policy(), passing, profile="cilium") == "deny"
    assert answer(passing, profile="cilium") == "allow"


def test_a_namespaced_policy_keeps_to_its_namespace_whatever_its_selector_says():
    policy = cilium_policy(selector=labels(**{"k8s:io.kubernetes.pod.namespace": "bank"}), egress=[{}])

    assert (answer(policy), answer(policy, src=API)) == ("deny", "allow")


def test_the_world_without_an_address_is_inside_both_whole_families_only():
    both = cilium_policy(egress=[{"toCIDR": ["0.0.0.0/0", "::/0"]}])
    one = cilium_policy(egress=[{"toCIDR": ["0.0.0.0/0"]}])

    assert answer(both, dst={"entity": "world"}) == answer(both, dst={"fqdn": "a.example.com"}) == "allow"
    assert answer(one, dst={"entity": "world"}) == "unknown"


def test_specs_are_policies_of_their_own_in_one_object():
    policy = cilium_policy()
    del policy["spec"]
    policy["specs"] = [
        {"endpointSelector": {}, "egress": [{}]},
        {"endpointSelector": labels(app="web"), "egress": [{"toCIDR": ["192.0.2.0/24"]}]},
    ]
    verdict = judge(policy)

    assert verdict.answer == "allow"
    assert verdict.egress.origin == "CiliumNetworkPolicy shop/policy specs[1]"
    assert answer(policy, src=DB) == "deny"


def test_services_and_groups_of_a_cloud_are_unknown():
    services = cilium_policy(egress=[{"toServices": [{"k8sService": {"serviceName": "db", "namespace": "shop"}}]}])

    assert answer(services) == "unknown"


@pytest.mark.parametrize(
    ("entity", "opened", "expected"),
    [
        ("kube-apiserver", "kube-apiserver", "allow"),
        ("kube-apiserver", "cluster", "allow"),
        ("kube-apiserver", "world", "unknown"),
        ("host", "host", "allow"),
        ("host", "remote-node", "deny"),
        ("world", "all", "allow"),
        ("world", "cluster", "deny"),
        ("ingress", "cluster", "allow"),
        ("remote-node", "host", "deny"),
    ],
)
def test_entities(entity, opened, expected):
    policy = cilium_policy(egress=[{"toEntities": [opened]}])

    assert answer(policy, dst={"entity": entity}, profile="cilium") == expected


@pytest.mark.parametrize(
    ("address", "opened", "expected"),
    [
        ("172.16.0.1", "host", "allow"),
        ("172.16.0.1", "remote-node", "deny"),
        ("172.16.0.2", "remote-node", "allow"),
        ("172.16.0.2", "host", "deny"),
        ("172.16.0.2", "world", "deny"),
        ("172.16.0.2", "kube-apiserver", "unknown"),
    ],
)
def test_nodes_are_host_or_remote_node_seen_from_the_pod(address, opened, expected):
    policy = cilium_policy(egress=[{"toEntities": [opened]}])

    assert answer(policy, dst={"ip": address}, profile="cilium") == expected


def test_rules_of_dns_are_noted_as_narrower_than_the_port():
    ports = [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{"matchPattern": "*"}]}}]
    selector = labels(**{"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"})
    verdict = judge(
        cilium_policy(egress=[{"toEndpoints": [selector], "toPorts": ports}]), dst=DNS, port=53, protocol="UDP"
    )

    assert verdict.answer == "allow"
    assert "dns rules narrow" in verdict.egress.reason


def test_ingress_has_the_same_rules_from_the_other_end():
    policy = cilium_policy(ingress=[{"fromEndpoints": [labels(app="web")]}], ingressDeny=[{"fromEntities": ["world"]}])

    assert answer(policy, dst=DB, src=WEB) == "allow"
    assert answer(policy, dst=DB, src=OTHER) == "deny"
    assert answer(policy, dst=DB, src=OUTSIDE) == "deny"
