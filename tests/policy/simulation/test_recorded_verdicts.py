"""Objects that a real API server judged: what it refuses never gets a verdict, and nothing else makes us stumble."""

import json

import pytest

from policy.simulation import SIMULATED, ClusterState, Flow, InvalidPolicies, Simulator
from policy.simulation.manifests import Manifest

CLUSTER = {"namespaces": {"h-targets": {}}, "pods": [{"namespace": "h-targets", "name": "a", "ip": "10.0.0.1"}]}
FLOW = {"src": {"namespace": "h-targets", "pod": "a"}, "dst": {"fqdn": "a.example.com", "ip": "192.0.2.1"}, "port": 443}


@pytest.fixture(scope="module")
def recorded(shared):
    lines = (shared / "crds" / "verdicts.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    return [case for case in cases if case["object"] and _key(case) in SIMULATED]


def _key(case):
    manifest = Manifest(case["object"])
    return manifest.group, manifest.kind


def test_what_the_server_refuses_is_never_judged(recorded):
    refused = [case for case in recorded if not case["accepted"]]

    assert refused
    for case in refused:
        with pytest.raises(InvalidPolicies):
            Simulator(cluster=ClusterState(), policies=[case["object"]])


def test_what_is_taken_is_judged_with_a_reason(recorded):
    judged = 0
    for case in recorded:
        try:
            simulator = Simulator(cluster=ClusterState.from_document(CLUSTER), policies=[case["object"]])
        except InvalidPolicies:
            continue
        document = simulator.judge(Flow.from_document(FLOW)).as_document()
        assert document["verdict"] in {"allow", "deny", "unknown", "cni-dependent"}
        assert all(one.get("reason") or one.get("note") for one in document["because"])
        judged += 1

    assert judged > 50
