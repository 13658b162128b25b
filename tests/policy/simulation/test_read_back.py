"""Each compiled bundle, read by the simulator, lets out what the entries say and nothing else."""

import pytest
from hypothesis import HealthCheck, given, settings

from policy.compilation import compile_namespace
from policy.simulation import Answer, ClusterState, Flow, Place, Simulator
from policy.simulation.addresses import parse_address
from policy.simulation.flows import packet_of
from tests.policy.compilers.cases import POINTS, TEMPLATE
from tests.policy.compilers.flows import PODS, entry_allows, every_flow
from tests.policy.strategies import AT, entries

# Which implementation reads the bundle of a point.
READERS = {
    "adminnetworkpolicy": ["api"],
    "aws-clusternetworkpolicy": ["aws"],
    "aws-networkpolicy": ["aws"],
    "calico": ["calico"],
    "cilium": ["cilium"],
    "cilium-1.15": ["cilium"],
    "cilium-cluster-wide": ["cilium"],
    "cilium-server-names": ["cilium"],
    "clusternetworkpolicy": ["api", "cilium", "calico"],
    "clusternetworkpolicy-experimental": ["api", "cilium"],
    "gke": ["gke"],
    "networkpolicy": ["api", "cilium", "calico", "aws"],
}
CASES = [(point, profile) for point, profiles in READERS.items() for profile in profiles]
FLOWS = tuple(every_flow())
# A name is seen at an address that no entry of these universes holds, and an address under a name that none has.
UNLISTED_ADDRESS = parse_address("203.0.113.77")
UNLISTED_NAME = "unlisted.example"
SOURCES = [
    {"namespace": "shop", "name": f"pod-{place}", "labels": dict(labels), "ip": f"10.0.0.{place + 1}"}
    for place, labels in enumerate(PODS)
]
KUBE_DNS = {
    "namespace": "kube-system",
    "name": "dns",
    "labels": {"k8s-app": "kube-dns"},
    "ip": "10.0.9.53",
    "ports": [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
    ],
}
CLUSTER = ClusterState.from_document(
    {
        "namespaces": {"shop": {}, "bank": {}, "kube-system": {}},
        "pods": [*SOURCES, KUBE_DNS, {"namespace": "bank", "name": "api", "ip": "10.0.1.1"}],
    }
)


def compiled(point, given_entries):
    return compile_namespace(
        capabilities=POINTS[point], template=TEMPLATE, namespace="shop", entries=given_entries, at=AT
    )


def simulator_of(bundle, profile):
    return Simulator(cluster=CLUSTER, policies=bundle.objects, profile=profile)


def leaves(simulator, flow):
    pod = next(one for one in SOURCES if one["labels"] == dict(flow.labels))
    asked = Flow(
        source=Place(namespace="shop", pod=pod["name"]),
        target=Place(address=flow.address or UNLISTED_ADDRESS, name=flow.name or UNLISTED_NAME),
        port=flow.port,
        protocol=flow.protocol,
        icmp_type=8 if flow.protocol == "ICMP" else None,
    )
    return simulator.decide("egress", packet_of(asked, cluster=CLUSTER)).answer


@pytest.mark.parametrize(("point", "profile"), CASES)
@given(given_entries=entries())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_bundle_allows_exactly_what_its_entries_say(point, profile, given_entries):
    bundle = compiled(point, given_entries)
    simulator = simulator_of(bundle, profile)
    living = [entry for entry in given_entries if entry.is_in_force(AT)]
    exact = [entry for entry in living if bundle.fidelity[entry.passport].verdict == "exact"]
    written = [entry for entry in living if bundle.fidelity[entry.passport].verdict in ("exact", "narrowed")]

    for flow in FLOWS:
        answer = leaves(simulator, flow)
        assert answer in (Answer.ALLOW, Answer.DENY), flow
        if answer is Answer.ALLOW:
            assert any(entry_allows(entry, flow) for entry in written), flow
        else:
            assert not any(entry_allows(entry, flow) for entry in exact), flow


@pytest.mark.parametrize(("point", "profile"), CASES)
def test_an_empty_namespace_is_closed_but_for_its_dns(point, profile):
    simulator = simulator_of(compiled(point, []), profile)

    assert {leaves(simulator, flow) for flow in FLOWS} == {Answer.DENY}
    to_dns = Flow(
        source=Place(namespace="shop", pod="pod-0"),
        target=Place(namespace="kube-system", pod="dns"),
        port=53,
        protocol="UDP",
    )
    assert simulator.judge(to_dns).answer is Answer.ALLOW


@pytest.mark.parametrize(("point", "profile"), CASES)
def test_other_namespaces_are_left_as_they_are(point, profile):
    simulator = simulator_of(compiled(point, []), profile)
    flow = Flow(source=Place(namespace="bank", pod="api"), target=Place(address=UNLISTED_ADDRESS), port=443)

    assert simulator.judge(flow).answer is Answer.ALLOW
