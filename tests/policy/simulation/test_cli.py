"""The command ``sallyport simulate``: one case a line, one answer a line."""

import io
import json

import pytest

from policy.cli import main
from tests.policy.simulation.builders import CLUSTER, OUTSIDE, WEB, block, cilium_policy, network_policy


@pytest.fixture
def ask(monkeypatch, capsys):
    def run(*cases, arguments=()):
        lines = "".join(case if isinstance(case, str) else json.dumps(case) + "\n" for case in cases)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        status = main(["simulate", "--format", "json", *arguments])
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def case(*policies, dst=OUTSIDE, **more):
    flow = {"src": WEB, "dst": dst, "port": 443, "protocol": "TCP"}
    return {"cluster": CLUSTER, "policies": list(policies), "flow": flow, **more}


def test_every_case_gets_one_answer_with_the_reason_of_each_direction(ask):
    status, answers = ask(case(network_policy()), case())

    assert status == 0
    assert [answer["verdict"] for answer in answers] == ["deny", "allow"]
    assert answers[0]["egress"] == "deny"
    assert answers[0]["because"][0]["object"] == "NetworkPolicy shop/policy"


def test_a_manifest_that_no_cluster_enforces_is_invalid_with_its_field(ask):
    status, answers = ask(case(network_policy(egress=[{"to": [block("10.0.0.1/8")]}])))

    assert status == 1
    assert answers[0]["verdict"] == "invalid"
    assert answers[0]["errors"][0]["field"] == "spec.egress[0].to[0].ipBlock.cidr"
    assert set(answers[0]["errors"][0]) == {"object", "field", "message"}


def test_what_only_the_agent_refuses_is_invalid_as_well(ask):
    mixed = cilium_policy(egress=[{"toFQDNs": [{"matchName": "a.example.com"}], "toCIDR": ["10.0.0.0/8"]}])

    assert ask(case(mixed))[1][0]["verdict"] == "invalid"


@pytest.mark.parametrize(
    "sections",
    [
        {"egress": [{"ports": [{"port": 443, "protocol": "tcp"}]}]},
        {"egress": [{"ports": [{"port": 0}]}]},
        {"egress": [{"ports": [{"port": 65536}]}]},
        {"egress": [{"ports": [{"port": 9000, "endPort": 8000}]}]},
        {"egress": [{"to": [block("10.0.0.0/8", "10.0.0.0/8")]}]},
    ],
)
def test_21_input_that_no_server_takes_is_refused_before_anything_is_judged(ask, sections):
    assert ask(case(network_policy(**sections)))[1][0]["verdict"] == "invalid"


def test_a_flow_that_makes_no_sense_is_invalid(ask):
    status, answers = ask(case(dst={"ip": "nowhere"}))

    assert status == 1
    assert answers == [
        {
            "verdict": "invalid",
            "errors": [{"object": "flow", "field": "dst.ip", "message": "'nowhere' is no address"}],
        }
    ]


def test_the_profile_of_a_case_wins_over_that_of_the_call(ask):
    pods = network_policy(egress=[{"to": [block("10.0.0.0/8")]}])
    dst = {"namespace": "shop", "pod": "db"}
    _, answers = ask(case(pods, dst=dst), case(pods, dst=dst, profile="calico"), arguments=["--profile", "cilium"])

    assert [answer["verdict"] for answer in answers] == ["deny", "allow"]


def test_a_list_of_objects_counts_as_its_items(ask):
    whole = {"apiVersion": "v1", "kind": "List", "items": [network_policy()]}

    assert ask(case(whole))[1][0]["verdict"] == "deny"


def test_a_kind_that_is_not_simulated_is_never_passed_over_in_silence(ask):
    firewall = {
        "apiVersion": "k8s.ovn.org/v1",
        "kind": "EgressFirewall",
        "metadata": {"name": "default", "namespace": "shop"},
        "spec": {"egress": [{"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}}]},
    }

    assert ask(case(firewall))[1][0]["errors"][0]["field"] == "kind"


@pytest.mark.parametrize("policies", ["text", [1], [{"kind": "NetworkPolicy"}], [{"metadata": 3}]])
def test_hostile_policies_get_an_answer(ask, policies):
    question = {"cluster": CLUSTER, "policies": policies, "flow": case()["flow"]}

    assert ask(question)[1][0]["verdict"] == "invalid"
