"""Who stands at the two ends: services, hosts, the pod itself, and what nobody recorded."""

import pytest

from policy.simulation import InvalidQuestion
from tests.policy.simulation.builders import (
    CLUSTER,
    DB,
    WEB,
    answer,
    block,
    cilium_policy,
    judge,
    labels,
    network_policy,
)

AGENT = {"namespace": "kube-system", "pod": "agent"}
CLOSED = network_policy(types=["Egress", "Ingress"])


def test_17_a_service_is_judged_at_its_backends_where_the_agent_does_so():
    to_db = network_policy(egress=[{"to": [{"podSelector": labels(app="db")}], "ports": [{"port": 5432}]}])
    service = {"ip": "10.96.0.2"}

    assert answer(to_db, dst=service, port=15432, profile="cilium") == "allow"
    assert answer(to_db, dst=service, port=15432, profile="calico") == "allow"
    assert answer(to_db, dst=service, port=15432, profile="api") == "cni-dependent"


def test_17_a_service_address_that_is_opened_both_ways_leaves_no_choice():
    policy = network_policy(egress=[{}])
    verdict = judge(policy, dst={"ip": "10.96.0.2"}, port=15432)

    assert verdict.answer == "allow"
    assert any("before and after" in note for note in verdict.notes)


def test_17_services_by_name_and_by_dns_name():
    to_db = network_policy(egress=[{"to": [{"podSelector": labels(app="db")}], "ports": [{"port": 5432}]}])

    assert answer(to_db, dst={"service": "db", "namespace": "shop"}, port=15432) == "allow"
    assert answer(to_db, dst={"fqdn": "db.shop.svc.cluster.local"}, port=15432) == "allow"


@pytest.mark.parametrize("dst", [{"ip": "10.96.0.3"}, {"service": "none", "namespace": "shop"}])
def test_17_a_service_without_known_backends_is_unknown(dst):
    assert answer(dst=dst) == "unknown"


def test_18_a_pod_always_reaches_itself_and_that_is_said():
    verdict = judge(CLOSED, dst=WEB)

    assert verdict.answer == "allow"
    assert "itself" in verdict.egress.reason
    assert answer(CLOSED, dst={"ip": "10.0.0.1"}) == "allow"


def test_18_replies_always_pass():
    assert answer(CLOSED, reply=True) == "allow"


@pytest.mark.parametrize(("profile", "expected"), [("api", "cni-dependent"), ("cilium", "allow"), ("calico", "allow")])
def test_18_a_policy_over_a_pod_on_the_host_network_is_left_to_the_implementation(profile, expected):
    closed = network_policy(namespace="kube-system")
    verdict = judge(closed, src=AGENT, profile=profile)

    assert verdict.answer == expected
    assert any("host network" in note for note in verdict.notes)


def test_18_a_pod_on_the_host_network_as_a_peer():
    peer = {"namespaceSelector": {}, "podSelector": labels(app="agent")}
    policy = network_policy(egress=[{"to": [peer]}])

    assert answer(policy, src=DB, dst=AGENT) == "cni-dependent"
    assert answer(policy, src=DB, dst=AGENT, profile="cilium") == "deny"


@pytest.mark.parametrize(
    ("profile", "expected"), [("api", "cni-dependent"), ("cilium", "deny"), ("calico", "deny"), ("ovn", "allow")]
)
def test_18_a_pod_to_its_own_node(profile, expected):
    assert answer(network_policy(), dst={"ip": "172.16.0.1"}, profile=profile) == expected
    assert answer(network_policy(), dst={"ip": "172.16.0.2"}, profile=profile) == "deny"


def test_18_a_node_always_reaches_its_own_pods():
    closed = network_policy(types=["Ingress"])

    assert answer(closed, src={"ip": "172.16.0.1"}, dst=WEB) == "allow"
    assert answer(closed, src={"ip": "172.16.0.2"}, dst=WEB) == "deny"


def test_19_a_pod_that_is_not_in_the_state_is_unknown_and_never_allowed():
    gone = {"namespace": "shop", "pod": "gone"}

    assert answer(src=gone) == "unknown"
    assert answer(network_policy(egress=[{}]), src=gone) == "unknown"
    assert answer(dst=gone) == "unknown"


def test_19_labels_that_nobody_recorded_are_unknown():
    pod = {"namespace": "shop", "name": "old", "labels": None, "ip": "10.0.0.9"}
    cluster = {**CLUSTER, "pods": [*CLUSTER["pods"], pod]}
    old = {"namespace": "shop", "pod": "old"}

    assert answer(network_policy(selector=labels(app="web")), src=old, cluster=cluster) == "unknown"
    assert answer(network_policy(), src=old, cluster=cluster) == "deny"
    to_web = network_policy(egress=[{"to": [{"podSelector": labels(app="web")}]}])
    assert answer(to_web, src=WEB, dst=old, cluster=cluster) == "unknown"


def test_19_labels_of_a_namespace_that_is_not_in_the_state_are_unknown():
    pod = {"namespace": "gone", "name": "x", "ip": "10.0.0.9"}
    cluster = {**CLUSTER, "pods": [*CLUSTER["pods"], pod]}
    target = {"namespace": "gone", "pod": "x"}
    by_label = network_policy(egress=[{"to": [{"namespaceSelector": labels(team="a")}]}])
    by_name = network_policy(
        egress=[{"to": [{"namespaceSelector": labels(**{"kubernetes.io/metadata.name": "gone"})}]}]
    )

    assert answer(by_label, dst=target, cluster=cluster) == "unknown"
    assert answer(by_name, dst=target, cluster=cluster) == "allow"


def test_19_an_address_of_the_pod_range_without_a_pod_is_unknown():
    to_pods = network_policy(egress=[{"to": [{"namespaceSelector": {}}]}])

    assert answer(to_pods, dst={"ip": "10.0.9.9"}) == "unknown"


def test_a_target_without_policies_says_that_ingress_does_not_apply():
    because = judge().as_document()["because"]

    assert because[1]["direction"] == "ingress"
    assert "not applicable" in because[1]["reason"]


def test_a_name_without_an_address_is_unknown_to_a_block():
    assert answer(network_policy(egress=[{"to": [block("0.0.0.0/0")]}]), dst={"fqdn": "a.example.com"}) == "unknown"
    assert answer(network_policy(egress=[{}]), dst={"fqdn": "a.example.com"}) == "allow"


def test_a_name_of_the_cluster_itself_may_be_a_pod():
    to_pods = network_policy(egress=[{"to": [{"podSelector": {}}]}])

    assert answer(to_pods, dst={"fqdn": "x.unlisted.svc.cluster.local"}) == "unknown"


def test_an_outside_source_is_judged_at_the_target_alone():
    policy = network_policy(types=["Ingress"], ingress=[{"from": [block("192.0.2.0/24")]}])

    assert answer(policy, src={"ip": "192.0.2.7"}, dst=DB) == "allow"
    assert answer(policy, src={"ip": "198.51.100.7"}, dst=DB) == "deny"


def test_a_host_policy_of_cilium_is_uncertain_as_the_host_firewall_may_be_off():
    host = cilium_policy(egress=[{}])
    host = {**host, "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "host"}}
    host["spec"] = {"nodeSelector": {}, "egress": [{}]}

    assert answer(host, src=AGENT, profile="cilium") == "unknown"
    assert answer(host, src=WEB, profile="cilium") == "allow"


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"port": "443"}, "port"),
        ({"protocol": "FTP"}, "protocol"),
        ({"dst": {"ip": "300.1.1.1"}}, "dst.ip"),
        ({"dst": {"fqdn": "x" * 254}}, "dst.fqdn"),
        ({"dst": {"entity": "moon"}}, "dst.entity"),
        ({"dst": {}}, "dst"),
        ({"src": {"namespace": "shop"}}, "src"),
    ],
)
def test_21_a_flow_that_cannot_be_is_refused_by_field(question, field):
    with pytest.raises(InvalidQuestion) as refused:
        judge(**question) if question.get("dst") != {} else judge(dst={"nothing": 1})

    assert refused.value.errors[0]["field"] == field


@pytest.mark.parametrize("profile", ["kindnet", "api?x=y", "cilium?policy-cidr-match-mode=moon", {"name": 3}])
def test_a_profile_that_is_not_known_is_refused(profile):
    with pytest.raises(InvalidQuestion):
        judge(profile=profile)


def test_a_profile_may_be_an_object_with_its_settings():
    profile = {"name": "cilium", "policy-cidr-match-mode": ["pods"]}

    assert answer(network_policy(egress=[{"to": [block("10.0.0.0/8")]}]), dst=DB, profile=profile) == "allow"
