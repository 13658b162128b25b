"""Cilium: what changes with its version, and what the agent would refuse."""

import pytest

from policy.capabilities import Capabilities
from policy.compilation import compile_entry, compile_namespace
from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import parse_ports
from policy.template import METADATA_GUARDRAILS, DnsAllowance, template
from tests.policy.compilers.cases import TEMPLATE
from tests.policy.strategies import AT


def point(version: str | None, **switches) -> Capabilities:
    return Capabilities(dialect="cilium", version=version, **switches)


def entry(destination: str, ports: str = "443", passport: str = "SP-7K3QF") -> PolicyEntry:
    return PolicyEntry(passport, parse_destination(destination), parse_ports(ports))


def rendered(version: str | None, destination: str, ports: str = "443", **switches):
    bundle = compile_namespace(
        capabilities=point(version, **switches),
        template=TEMPLATE,
        namespace="shop",
        entries=[entry(destination, ports)],
        at=AT,
    )
    specs = bundle.objects[0]["specs"]
    return bundle.fidelity["SP-7K3QF"], specs[1] if len(specs) > 1 else None


@pytest.mark.parametrize("version", ["1.19.0", "v1.19.3", "1.20.2", "2.0"])
def test_any_depth_is_one_pattern_from_1_19(version):
    fidelity, spec = rendered(version, "**.example.com")

    assert fidelity.is_exact
    assert spec["egress"][0]["toFQDNs"] == [{"matchPattern": "**.example.com"}]


@pytest.mark.parametrize("version", [None, "1.18.6", "1.19.0-rc.1"])
def test_any_depth_is_written_out_before_and_says_what_is_missing(version):
    fidelity, spec = rendered(version, "**.example.com +apex")
    texts = [part.get("matchName") or part["matchPattern"] for part in spec["egress"][0]["toFQDNs"]]

    assert fidelity.verdict == "narrowed"
    assert texts[:3] == ["example.com", "*.example.com", "*.*.example.com"]
    assert not any(text.startswith("**") for text in texts)
    witness = fidelity.witnesses[0]
    assert parse_destination("**.example.com").matches_name(witness)
    assert witness.count(".") > max(text.count(".") for text in texts)


def test_more_than_forty_ports_stand_in_several_lists():
    ports = ", ".join(str(number) for number in range(1000, 1180, 2))
    _, spec = rendered("1.20.2", "api.example.com", ports)
    lists = spec["egress"][0]["toPorts"]

    assert [len(part["ports"]) for part in lists] == [40, 40, 10]
    assert all(isinstance(port["port"], str) for part in lists for port in part["ports"])


def test_ranges_are_written_out_before_1_16_and_refused_when_too_long():
    fidelity, spec = rendered("1.15.1", "api.example.com", "8000-8045")
    assert fidelity.is_exact
    assert [len(part["ports"]) for part in spec["egress"][0]["toPorts"]] == [40, 6]
    assert "endPort" not in str(spec)

    fidelity, spec = rendered("1.15.1", "api.example.com", "8000-9000")
    assert fidelity.verdict == "impossible"
    assert spec is None


def test_fields_that_an_older_server_does_not_know_are_left_out():
    _, old = rendered("1.15.1", "api.example.com")
    _, middle = rendered("1.17.0", "api.example.com")
    _, unknown = rendered(None, "api.example.com")

    assert "enableDefaultDeny" not in old
    assert "log" not in old
    assert "enableDefaultDeny" in middle
    assert "log" not in middle
    assert unknown["log"] == {"value": "SP-7K3QF"}


@pytest.mark.parametrize(
    ("version", "destination", "guarded"),
    [
        ("1.20.0", "*.example.com", True),
        ("1.19.0", "*.example.com", False),
        ("1.19.0", "api.example.com", True),
        ("1.20.0", "192.0.2.0/24", False),
    ],
)
def test_server_names_are_checked_where_the_agent_can(version, destination, guarded):
    _, spec = rendered(version, destination, server_names=True)

    assert ("serverNames" in str(spec)) == guarded


def test_a_rule_never_mixes_icmp_and_ports_and_names_the_family():
    fidelity, spec = rendered("1.20.2", "192.0.2.0/24", "443, icmp")

    assert fidelity.verdict == "narrowed"
    assert [sorted(rule) for rule in spec["egress"]] == [["toCIDRSet", "toPorts"], ["icmps", "toCIDRSet"]]
    assert spec["egress"][1]["icmps"] == [{"fields": [{"family": "IPv4", "type": 8}]}]


def test_names_are_learned_from_dns_rules_that_name_their_port():
    dns = DnsAllowance(namespace="openshift-dns", pod_labels=(("dns", "default"),), ports=(5353,))
    bundle = compile_namespace(
        capabilities=point("1.20.2"), template=template("v1", dns=dns), namespace="shop", entries=[], at=AT
    )
    base = bundle.objects[0]["specs"][0]

    assert base["egress"][0] == {}
    assert base["egress"][1] == {
        "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "openshift-dns", "k8s:dns": "default"}}],
        "toPorts": [
            {
                "ports": [{"port": "5353", "protocol": "TCP"}, {"port": "5353", "protocol": "UDP"}],
                "rules": {"dns": [{"matchPattern": "*"}]},
            }
        ],
    }


def test_without_dns_a_name_is_impossible_and_the_namespace_still_closed():
    no_dns = template("v1", dns=DnsAllowance(ports=()))
    bundle = compile_namespace(
        capabilities=point("1.20.2"),
        template=no_dns,
        namespace="shop",
        entries=[entry("api.example.com")],
        at=AT,
    )

    assert bundle.fidelity["SP-7K3QF"].verdict == "impossible"
    assert bundle.objects[0]["specs"] == [bundle.objects[0]["specs"][0]]
    assert bundle.objects[0]["specs"][0]["egress"] == [{}]


def test_guardrails_deny_but_never_the_resolver_and_entries_say_so():
    dns = DnsAllowance(service_addresses=("169.254.169.254",))
    guarded = template("v1", dns=dns, guardrails=METADATA_GUARDRAILS)
    facts = {"capabilities": point("1.20.2"), "template": guarded, "at": AT}
    bundle = compile_namespace(namespace="shop", entries=[], **facts)
    (denied,) = bundle.objects[0]["specs"][0]["egressDeny"]

    assert "169.254.169.254/32" not in denied["toCIDR"]
    assert "100.100.100.200/32" in denied["toCIDR"]
    assert compile_entry(entry=entry("100.64.0.0/10"), **facts).fidelity.verdict == "narrowed"
    assert compile_entry(entry=entry("192.0.2.0/24"), **facts).fidelity.is_exact


@pytest.mark.parametrize(("version", "cluster_patterns"), [("1.20.2", 1), ("1.18.0", 8)])
def test_questions_can_be_kept_to_known_names(version, cluster_patterns):
    dns = DnsAllowance(only_known_names=True)
    bundle = compile_namespace(
        capabilities=point(version),
        template=template("v1", dns=dns),
        namespace="shop",
        entries=[entry("*.example.com +apex"), entry("10.0.0.0/8", passport="SP-8NET0")],
        at=AT,
    )
    (asked,) = [part["rules"]["dns"] for part in bundle.objects[0]["specs"][0]["egress"][1]["toPorts"]]
    texts = [one.get("matchName") or one["matchPattern"] for one in asked]

    assert {"example.com", "*.example.com"} <= set(texts)
    assert "*" not in texts
    assert sum(text.endswith(".cluster.local") for text in texts) == cluster_patterns
    assert len(texts) == 2 + cluster_patterns
