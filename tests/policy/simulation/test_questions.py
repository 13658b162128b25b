"""Questions about whole sets: who is not closed, whose word lets out what no entry permits, what denies an entry."""

import pytest

from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import parse_ports
from policy.replay import ScopedEntry
from policy.selectors import parse_selector
from policy.simulation import ClusterState
from policy.simulation.coverage import coverage, without_default_deny
from policy.simulation.shadow import shadow_allows, shadowed_entries
from tests.policy.simulation.builders import (
    CLUSTER,
    block,
    calico_policy,
    cilium_clusterwide,
    cilium_policy,
    cluster_policy,
    expression,
    labels,
    network_policy,
)

STATE = ClusterState.from_document(CLUSTER)
WEB_ONLY = ClusterState.from_document({"namespaces": {"shop": {"team": "a"}}, "pods": [CLUSTER["pods"][0]]})


def covered(*policies, cluster=WEB_ONLY, profile="api", direction="egress"):
    (found,) = coverage(cluster=cluster, policies=policies, profile=profile)
    return getattr(found, direction)


def scoped(destination, *, ports="443", workload="", namespaces=("shop",), passport="SP-00001"):
    entry = PolicyEntry(
        passport=passport,
        destination=parse_destination(destination),
        ports=parse_ports(ports),
        workload=parse_selector(workload),
    )
    return ScopedEntry(entry, frozenset(namespaces))


def shadows(*policies, entries=(), cluster=WEB_ONLY, profile="api"):
    return shadow_allows(cluster=cluster, policies=policies, entries=entries, profile=profile)


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (network_policy(), "closed"),
        (network_policy(egress=[{"to": [block("192.0.2.0/24")]}]), "closed"),
        (network_policy(egress=[{}]), "open"),
        (network_policy(egress=[{"to": [block("0.0.0.0/0")]}]), "partly"),
        (network_policy(egress=[{"ports": [{"protocol": "UDP"}]}]), "partly"),
        (network_policy(selector=labels(app="db")), "open"),
        (network_policy(types=None, egress=[]), "open"),
        (cilium_policy(egress=[{}]), "closed"),
        (cilium_policy(egressDeny=[{"toEntities": ["world"]}], enableDefaultDeny={"egress": False}), "closed"),
        (calico_policy(types=["Egress"]), "closed"),
        (
            cluster_policy(tier="Baseline", egress=[{"action": "Deny", "to": [{"networks": ["0.0.0.0/0", "::/0"]}]}]),
            "closed",
        ),
        (cluster_policy(tier="Baseline", egress=[{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]), "partly"),
    ],
)
def test_02_what_is_closed_by_default(policy, state):
    assert covered(policy).state == state


def test_a_default_deny_that_the_agent_refuses_closes_nothing():
    assert covered(cilium_policy(egress=[])).state == "open"


def test_coverage_names_who_closes_and_who_opens():
    assert covered(network_policy("closed")).by == "NetworkPolicy shop/closed"
    assert covered(network_policy("closed"), network_policy("wide", egress=[{}])).by == "NetworkPolicy shop/wide"


def test_coverage_is_per_workload_and_per_direction():
    found = coverage(
        cluster=STATE,
        policies=[network_policy(types=["Egress"]), network_policy("in", types=["Ingress"], namespace="bank")],
    )
    by_pod = {one.pods[0]: one for one in found}

    assert (by_pod["web"].egress.state, by_pod["web"].ingress.state) == ("closed", "open")
    assert (by_pod["api"].egress.state, by_pod["api"].ingress.state) == ("open", "closed")
    assert {one.pods[0] for one in without_default_deny(found)} == {"api", "other", "dns", "agent"}
    assert "web" in {one.pods[0] for one in without_default_deny(found, direction="ingress")}


def test_labels_that_nobody_recorded_are_not_known_to_be_closed():
    pod = {"namespace": "shop", "name": "old", "labels": None, "ip": "10.0.0.9"}
    cluster = ClusterState.from_document({"namespaces": {"shop": {}}, "pods": [pod]})

    assert covered(network_policy(selector=labels(app="web")), cluster=cluster).state == "not-known"


def test_a_foreign_rule_that_no_entry_permits_is_a_shadow_allow():
    foreign = network_policy("wide", egress=[{"to": [block("192.0.2.0/24")], "ports": [{"port": 443}]}])

    (found,) = shadows(foreign)

    assert (found.origin, found.section, found.rule) == ("NetworkPolicy shop/wide", "egress", 0)
    assert (found.targets, found.ports, found.workloads) == (("192.0.2.0/24",), "443/tcp", ("shop/web",))
    assert found.is_certain


def test_what_entries_permit_is_no_shadow_and_only_the_rest_is_reported():
    foreign = network_policy("wide", egress=[{"to": [block("192.0.2.0/24")], "ports": [{"port": 443}, {"port": 80}]}])

    assert shadows(foreign, entries=[scoped("192.0.2.0/24", ports="80, 443")]) == ()
    found = shadows(foreign, entries=[scoped("192.0.2.0/25", ports="443")])
    assert {(one.targets, one.ports) for one in found} == {
        (("192.0.2.0/24 except 192.0.2.0/25",), "80/tcp, 443/tcp"),
        (("192.0.2.0/25",), "80/tcp"),
    }


def test_an_entry_of_another_scope_permits_nothing_here():
    foreign = network_policy("wide", egress=[{"to": [block("192.0.2.0/24")], "ports": [{"port": 443}]}])

    assert len(shadows(foreign, entries=[scoped("192.0.2.0/24", namespaces=["bank"])])) == 1
    assert len(shadows(foreign, entries=[scoped("192.0.2.0/24", workload="app=db")])) == 1


def test_15_every_kind_is_read_cluster_wide_ones_included():
    world = cilium_clusterwide("world", egress=[{"toEntities": ["world"]}])
    admin = cluster_policy("admin", egress=[{"action": "Accept", "to": [{"networks": ["192.0.2.0/24"]}]}])

    assert {one.origin for one in shadows(network_policy(), world)} == {"CiliumClusterwideNetworkPolicy world"}
    assert {one.origin for one in shadows(network_policy(), admin)} == {"ClusterNetworkPolicy admin"}


def test_names_that_a_foreign_policy_opens():
    foreign = cilium_policy("names", egress=[{"toFQDNs": [{"matchPattern": "*.example.com"}]}])

    (found,) = shadows(foreign, entries=[scoped("one.example.net")])
    assert found.targets == ("one.example.com",)
    assert shadows(foreign, entries=[scoped("*.example.com", ports="any")]) == ()


def test_our_own_objects_are_never_shadows():
    ours = network_policy("sallyport-egress", egress=[{"to": [block("192.0.2.0/24")]}])
    ours["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "sallyport"}

    assert shadows(ours) == ()


def test_a_peer_that_reaches_outside_on_one_implementation_alone():
    negative = network_policy("odd", egress=[{"to": [{"namespaceSelector": expression("team", "NotIn", "x")}]}])

    assert shadows(negative, profile="api") == ()
    assert len(shadows(negative, profile="cilium")) == 1


def test_an_entry_that_somebody_else_denies_is_shadowed():
    deny = cilium_clusterwide("guard", egressDeny=[{"toCIDR": ["192.0.2.0/24"]}], enableDefaultDeny={"egress": False})
    ours = cilium_policy("ours", egress=[{"toCIDR": ["192.0.2.0/28"]}])

    (found,) = shadowed_entries(cluster=WEB_ONLY, policies=[deny, ours], entries=[scoped("192.0.2.0/28")])

    assert (found.passport, found.origin) == ("SP-00001", "CiliumClusterwideNetworkPolicy guard")
    assert shadowed_entries(cluster=WEB_ONLY, policies=[ours], entries=[scoped("192.0.2.0/28")]) == ()
