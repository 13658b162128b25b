"""The indexed simulator against the slow one, over random clusters, policies and flows."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.simulation import ClusterState, Flow, InvalidPolicies, Simulator
from tests.policy.simulation import reference, worlds

_SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def compare(cluster, policies, flows, profile):
    try:
        simulator = Simulator(cluster=ClusterState.from_document(cluster), policies=policies, profile=profile)
    except InvalidPolicies:
        return
    for flow in flows:
        verdict = simulator.judge(Flow.from_document(flow))
        expected = reference.judge(cluster, policies, flow, profile)
        assert (str(verdict.egress.answer), str(verdict.ingress.answer)) == expected, (policies, flow, verdict)


@given(
    cluster=worlds.clusters(),
    policies=worlds.kubernetes,
    flows=st.lists(worlds.flows, min_size=4, max_size=8),
    profile=st.sampled_from(["api", "cilium", "calico"]),
)
@_SETTINGS
def test_network_policy_cilium_and_cluster_policies_together(cluster, policies, flows, profile):
    if profile == "calico":
        policies = [one for one in policies if "domainNames" not in str(one)]
    compare(cluster, policies, flows, profile)


@given(
    cluster=worlds.clusters(),
    policies=worlds.calico,
    flows=st.lists(worlds.flows, min_size=4, max_size=8),
    profile=st.sampled_from(["api", "calico"]),
)
@_SETTINGS
def test_network_policy_calico_and_cluster_policies_together(cluster, policies, flows, profile):
    policies = [one for one in policies if "domainNames" not in str(one)]
    compare(cluster, policies, flows, profile)


@given(cluster=worlds.clusters(), policies=worlds.kubernetes, flow=worlds.flows, data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_in_which_policies_are_given_is_irrelevant(cluster, policies, flow, data):
    shuffled = data.draw(st.permutations(policies))
    state = ClusterState.from_document(cluster)
    try:
        verdicts = [Simulator(cluster=state, policies=one, profile="cilium") for one in (policies, shuffled)]
    except InvalidPolicies:
        return
    first, second = (one.judge(Flow.from_document(flow)) for one in verdicts)

    assert first == second


@pytest.mark.parametrize("strategy", [worlds.kubernetes, worlds.calico])
def test_most_generated_policies_are_ones_that_a_cluster_takes(strategy):
    taken: list[bool] = []

    @given(cluster=worlds.clusters(), policies=strategy)
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def collect(cluster, policies):
        try:
            Simulator(cluster=ClusterState.from_document(cluster), policies=policies)
        except InvalidPolicies:
            taken.append(False)
        else:
            taken.append(True)

    collect()

    assert sum(taken) > 0.7 * len(taken)
