"""What each kind refuses, by literal examples: the field, and a word of the sentence."""

import pytest

from policy.validation import SUPPORTED_KINDS, ManifestError, is_supported, object_name, validate_manifest
from tests.policy.validation import examples
from tests.policy.validation.examples import (
    RICH,
    Manifest,
    antrea,
    application_policy,
    calico,
    cilium,
    cluster_policy,
    egress_firewall,
    fqdn_policy,
    manifest,
    network_policy,
    service_entry,
)

BLOCK = {"ipBlock": {"cidr": "10.0.0.0/8"}}


def fields(subject: Manifest) -> list[str]:
    """The fields that are refused."""
    return [error.field for error in validate_manifest(subject)]


@pytest.mark.parametrize("subject", RICH, ids=lambda subject: f"{subject['kind']} {subject['apiVersion']}")
def test_an_object_that_says_all_its_kind_can_is_valid(subject: Manifest) -> None:
    assert validate_manifest(subject) == ()


def test_a_kind_is_known_by_group_and_version_not_by_its_name() -> None:
    cluster_policies = {version for version, kind in SUPPORTED_KINDS if kind == "ClusterNetworkPolicy"}

    assert cluster_policies == {
        "policy.networking.k8s.io/v1alpha2",
        "networking.k8s.aws/v1alpha1",
        "crd.antrea.io/v1beta1",
    }
    assert fields(manifest("networking.k8s.io/v2", "NetworkPolicy", {})) == ["kind"]


@pytest.mark.parametrize("subject", [None, [], "x", 1, {}, {"kind": "NetworkPolicy"}, {"apiVersion": 1, "kind": 2}])
def test_what_is_no_manifest_is_refused_and_not_raised(subject: object) -> None:
    assert len(validate_manifest(subject)) == 1  # type: ignore[arg-type]
    assert not is_supported(subject)  # type: ignore[arg-type]


def test_an_error_names_the_object_as_people_do() -> None:
    error = validate_manifest(network_policy(egress=1))[0]

    assert error == ManifestError(
        "NetworkPolicy.networking.k8s.io h-targets/t", "spec.egress", "must be a list, not a number"
    )
    assert object_name({"kind": "Tier", "apiVersion": "v1", "metadata": {"name": "a"}}) == "Tier a"
    assert object_name({"metadata": {"name": 5}}) == "manifest"


def test_a_manifest_with_a_fault_in_every_rule_does_not_fill_the_memory() -> None:
    assert len(validate_manifest(network_policy(egress=[{"to": [{}]}] * 10_000))) == 100


METADATA = [
    ({}, "metadata.name"),
    ({"name": ""}, "metadata.name"),
    ({"name": "Team_A"}, "metadata.name"),
    ({"name": "a" * 254}, "metadata.name"),
    ({"name": "t", "namespace": "a.b"}, "metadata.namespace"),
    ({"name": "t", "namespace": "a" * 64}, "metadata.namespace"),
    ({"name": "t", "labels": {"a": "b c"}}, "metadata.labels[a]"),
    ({"name": "t", "labels": {"-a": "b"}}, "metadata.labels[-a]"),
    ({"name": "t", "labels": {"a": True}}, "metadata.labels[a]"),
    ({"name": "t", "annotations": {"a b": ""}}, "metadata.annotations[a b]"),
    ({"name": "t", "annotations": {"a": "x" * 262_144}}, "metadata.annotations"),
    ({"name": "t", "bogus": 1}, "metadata.bogus"),
    ({"name": "t", "bogus": None}, "metadata.bogus"),
]


@pytest.mark.parametrize(("metadata", "field"), METADATA)
def test_metadata_is_refused(metadata: Manifest, field: str) -> None:
    assert fields(network_policy() | {"metadata": metadata}) == [field]


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "a" * 253},
        {"generateName": "a-"},
        {"name": "a.b", "labels": {"a": "", "b.c/D_e": "F-g.h"}},
        {"name": "0"},
    ],
)
def test_metadata_is_accepted(metadata: Manifest) -> None:
    assert fields(network_policy() | {"metadata": metadata}) == []


def test_a_cluster_wide_kind_has_no_namespace() -> None:
    subject = cluster_policy()
    subject["metadata"]["namespace"] = "prod"

    assert fields(subject) == ["metadata.namespace"]


def _to(*peers: object, **rule: object) -> Manifest:
    return network_policy(egress=[{"to": list(peers)} | rule])


def _ports(*ports: object) -> Manifest:
    return network_policy(egress=[{"ports": list(ports)}])


def _selector(**selector: object) -> Manifest:
    return network_policy(podSelector=selector)


def _expression(**expression: object) -> Manifest:
    return _selector(matchExpressions=[{"key": "a"} | expression])


PORT = "spec.egress[0].ports[0].port"
END_PORT = "spec.egress[0].ports[0].endPort"
CIDR = "spec.egress[0].to[0].ipBlock.cidr"
EXCEPT = "spec.egress[0].to[0].ipBlock.except[0]"
EXPRESSION = "spec.podSelector.matchExpressions[0]"

NETWORK_POLICY = [
    (_ports({"port": 0}), PORT),
    (_ports({"port": 65_536}), PORT),
    (_ports({"port": True}), PORT),
    (_ports({"port": 4.0}), PORT),
    (_ports({"port": "443"}), PORT),
    (_ports({"port": ""}), PORT),
    (_ports({"port": "HTTPS"}), PORT),
    (_ports({"port": "a--b"}), PORT),
    (_ports({"port": "a-"}), PORT),
    (_ports({"port": "-a"}), PORT),
    (_ports({"port": "a" * 16}), PORT),
    (_ports({"port": 10, "endPort": 9}), END_PORT),
    (_ports({"port": "http", "endPort": 9}), END_PORT),
    (_ports({"endPort": 9}), END_PORT),
    (_ports({"port": 10, "endPort": 65_536}), END_PORT),
    (_ports({"protocol": "tcp"}), "spec.egress[0].ports[0].protocol"),
    (_ports({"protocol": "ICMP"}), "spec.egress[0].ports[0].protocol"),
    (_to({"ipBlock": {"cidr": "10.1.2.3/8"}}), CIDR),
    (_to({"ipBlock": {"cidr": "010.0.0.0/8"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/08"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/+8"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/255.0.0.0"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/0.255.255.255"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.1"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/33"}}), CIDR),
    (_to({"ipBlock": {"cidr": "::/129"}}), CIDR),
    (_to({"ipBlock": {"cidr": "::ffff:10.0.0.0/104"}}), CIDR),
    (_to({"ipBlock": {"cidr": "fe80::%eth0/64"}}), CIDR),
    (_to({"ipBlock": {"cidr": "\u0661\u0660.0.0.0/8"}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/\u0668"}}), CIDR),
    (_to({"ipBlock": {"cidr": ""}}), CIDR),
    (_to({"ipBlock": {}}), CIDR),
    (_to({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}), EXCEPT),
    (_to({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}), EXCEPT),
    (_to({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["0.0.0.0/0"]}}), EXCEPT),
    (_to({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["::/1"]}}), EXCEPT),
    (_to({"ipBlock": {"cidr": "::/0", "except": ["0.0.0.0/1"]}}), EXCEPT),
    (_to(BLOCK | {"podSelector": {}}), "spec.egress[0].to[0]"),
    (_to(BLOCK | {"namespaceSelector": {}}), "spec.egress[0].to[0]"),
    (_to({}), "spec.egress[0].to[0]"),
    (_to({"podSelector": None}), "spec.egress[0].to[0]"),
    (_to({"fqdn": "x.com"}), "spec.egress[0].to[0].fqdn"),
    (_to(BLOCK, bogus=1), "spec.egress[0].bogus"),
    (network_policy(policyTypes=["Both"]), "spec.policyTypes[0]"),
    (network_policy(policyTypes=["Egress", "Ingress", "Egress"]), "spec.policyTypes"),
    (network_policy(policyTypes="Egress"), "spec.policyTypes"),
    (network_policy(ingress=[{"from": [{}]}]), "spec.ingress[0].from[0]"),
    (network_policy(ingress=[{"to": []}]), "spec.ingress[0].to"),
    (_expression(operator="In"), f"{EXPRESSION}.values"),
    (_expression(operator="NotIn", values=[]), f"{EXPRESSION}.values"),
    (_expression(operator="Exists", values=["a"]), f"{EXPRESSION}.values"),
    (_expression(operator="DoesNotExist", values=["a"]), f"{EXPRESSION}.values"),
    (_expression(operator="Gt", values=["1"]), f"{EXPRESSION}.operator"),
    (_expression(operator="In", values=["a b"]), f"{EXPRESSION}.values[0]"),
    (_expression(), f"{EXPRESSION}.operator"),
    (_selector(matchLabels={"a": "x" * 64}), "spec.podSelector.matchLabels[a]"),
    (_selector(matchLabels={"a/b/c": "x"}), "spec.podSelector.matchLabels[a/b/c]"),
    (_selector(matchLabels={"A.b/c": "x"}), "spec.podSelector.matchLabels[A.b/c]"),
    (_selector(matchLabels={"k8s:a": "x"}), "spec.podSelector.matchLabels[k8s:a]"),
    (_selector(matchLabels=["a"]), "spec.podSelector.matchLabels"),
]


@pytest.mark.parametrize(("subject", "field"), NETWORK_POLICY)
def test_network_policy_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


@pytest.mark.parametrize(
    "subject",
    [
        _ports({"port": 1}, {"port": 65_535}, {"port": "1a"}, {"port": 10, "endPort": 10}, {}),
        _to({"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "2001:DB8:0::/32"}}),
        _to({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/9"]}}),
        network_policy(egress=[], ingress=None),
        network_policy(egress=[{}]),
        {**network_policy(), "spec": None},
        _expression(operator="Exists", values=[]),
    ],
)
def test_network_policy_accepts(subject: Manifest) -> None:
    assert fields(subject) == []


def _toports(*rules: object, **rule: object) -> Manifest:
    return cilium({"toPorts": list(rules)} | rule)


def _port(text: object, **port: object) -> Manifest:
    return _toports({"ports": [{"port": text} | port]})


TCP443 = {"port": "443", "protocol": "TCP"}
TOPORTS = "spec.egress[0].toPorts[0]"
CILIUM_PORT = f"{TOPORTS}.ports[0].port"
DNS = {"dns": [{"matchPattern": "*"}]}
HTTP = {"http": [{}]}

CILIUM = [
    (cilium(), "spec"),
    (cilium(egress=[]), "spec.egress"),
    (cilium({}, nodeSelector={}), "spec"),
    (cilium({}, endpointSelector=None), "spec"),
    (cilium({}, endpointSelector=None, nodeSelector={}), "spec.nodeSelector"),
    (cilium({"toCIDR": ["10.0.0.0/8"], "toFQDNs": [{"matchName": "a.com"}]}), "spec.egress[0]"),
    (cilium({"toEndpoints": [{}], "toEntities": ["world"]}), "spec.egress[0]"),
    (cilium({"toCIDR": ["10.0.0.1"]}), "spec.egress[0].toCIDR[0]"),
    (cilium({"toCIDRSet": [{}]}), "spec.egress[0].toCIDRSet[0]"),
    (cilium({"toCIDRSet": [{"cidr": "10.0.0.0/8", "cidrGroupRef": "g"}]}), "spec.egress[0].toCIDRSet[0]"),
    (cilium({"toCIDRSet": [{"cidrGroupRef": "G"}]}), "spec.egress[0].toCIDRSet[0].cidrGroupRef"),
    (
        cilium({"toCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}]}),
        "spec.egress[0].toCIDRSet[0].except[0]",
    ),
    (cilium({"toCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["0.0.0.0/0"]}]}), "spec.egress[0].toCIDRSet[0].except[0]"),
    (cilium({"toFQDNs": [{}]}), "spec.egress[0].toFQDNs[0]"),
    (cilium({"toFQDNs": [{"matchName": "*.a.com"}]}), "spec.egress[0].toFQDNs[0].matchName"),
    (cilium({"toFQDNs": [{"matchName": "a" * 256}]}), "spec.egress[0].toFQDNs[0].matchName"),
    (cilium({"toFQDNs": [{"matchPattern": "*..com"}]}), "spec.egress[0].toFQDNs[0].matchPattern"),
    (cilium({"toEntities": ["internet"]}), "spec.egress[0].toEntities[0]"),
    (cilium({"toRequires": ["a"]}), "spec.egress[0].toRequires"),
    (cilium({"toDomains": ["a"]}), "spec.egress[0].toDomains"),
    (cilium({}, egressDeny=[{"toFQDNs": [{"matchName": "a.com"}]}]), "spec.egressDeny[0].toFQDNs"),
    (cilium({}, egressDeny=[{"toPorts": [{"ports": [TCP443], "rules": DNS}]}]), "spec.egressDeny[0].toPorts[0].rules"),
    (cilium({}, egressDeny=[{"toPorts": [{"ports": [{}]}]}]), "spec.egressDeny[0].toPorts[0].ports[0].port"),
    (cilium({}, egressDeny=[{"toCIDR": ["10.0.0.0/8"], "toEntities": ["all"]}]), "spec.egressDeny[0]"),
    (cilium({}, ingressDeny=[{"fromCIDR": ["10.0.0.0/8"], "fromEntities": ["all"]}]), "spec.ingressDeny[0]"),
    (_port(443), CILIUM_PORT),
    (_port("99999"), CILIUM_PORT),
    (_port("65536"), CILIUM_PORT),
    (_port("9" * 5000), CILIUM_PORT),
    (_port("443x!"), CILIUM_PORT),
    (_port("a--b"), CILIUM_PORT),
    (_port("a" * 16), CILIUM_PORT),
    (_port("\u0664\u0664"), CILIUM_PORT),
    (_port(None), CILIUM_PORT),
    (_port("80", protocol="GRE"), CILIUM_PORT),
    (_port("1", protocol="tcp"), f"{TOPORTS}.ports[0].protocol"),
    (_port("1", endPort=65_536), f"{TOPORTS}.ports[0].endPort"),
    (_toports({"ports": [TCP443] * 41}), f"{TOPORTS}.ports"),
    (_toports({"ports": [TCP443], "serverNames": []}), f"{TOPORTS}.serverNames"),
    (_toports({"ports": [TCP443], "serverNames": ["a.com", "a.com"]}), f"{TOPORTS}.serverNames[1]"),
    (_toports({"ports": [TCP443], "serverNames": ["a.com"], "rules": HTTP}), f"{TOPORTS}.serverNames"),
    (_toports({"ports": [{"port": "53"}], "rules": DNS | HTTP}), f"{TOPORTS}.rules"),
    (_toports({"rules": DNS}), f"{TOPORTS}.ports"),
    (_toports({"ports": [{"port": "53", "endPort": 54}], "rules": DNS}), f"{TOPORTS}.ports[0].endPort"),
    (_toports({"ports": [{"port": "0"}], "rules": DNS}), CILIUM_PORT),
    (_toports({"ports": [{"port": "80"}], "rules": HTTP}), f"{TOPORTS}.ports[0].protocol"),
    (_toports({"ports": [TCP443], "rules": {"http": [{"path": "("}]}}), f"{TOPORTS}.rules.http[0].path"),
    (
        _toports({"ports": [TCP443], "rules": HTTP, "listener": {"name": "l", "envoyConfig": {"name": "e"}}}),
        f"{TOPORTS}.listener",
    ),
    (_toports({"ports": [TCP443]}, icmps=[{"fields": [{"type": 8}]}]), "spec.egress[0].icmps"),
    (cilium({"icmps": [{"fields": [{"type": "EchoX"}]}]}), "spec.egress[0].icmps[0].fields[0].type"),
    (cilium({"icmps": [{"fields": [{"type": "256"}]}]}), "spec.egress[0].icmps[0].fields[0].type"),
    (cilium({"icmps": [{"fields": [{"type": 8}] * 41}]}), "spec.egress[0].icmps[0].fields"),
    (cilium({}, ingress=[{"toPorts": [{"ports": [TCP443], "rules": DNS}]}]), "spec.ingress[0].toPorts[0].rules.dns"),
    (cilium({}, log={"value": "x" * 33}), "spec.log.value"),
    (cilium({}, log={"value": "a\nb"}), "spec.log.value"),
    (cilium({"toEndpoints": [{"matchLabels": {"a:b:c": "x"}}]}), "spec.egress[0].toEndpoints[0].matchLabels[a:b:c]"),
    (cilium({"toEndpoints": [{"matchLabels": {":c": "x"}}]}), "spec.egress[0].toEndpoints[0].matchLabels[:c]"),
    ({**cilium({}), "spec": None}, "spec"),
    ({**cilium({}), "specs": [{"endpointSelector": {}}]}, "specs[0]"),
]


@pytest.mark.parametrize(("subject", "field"), CILIUM)
def test_cilium_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


@pytest.mark.parametrize(
    "subject",
    [
        cilium({}),
        cilium(egressDeny=[{}]),
        _port("0"),
        _port("65535"),
        _port("1a"),
        _port("HTTPS"),
        _port("100", endPort=50),
        _port("0", protocol="VRRP"),
        _toports({"ports": [{"protocol": "GRE"}]}),
        _toports({"ports": [TCP443] * 40}),
        _toports(
            {"ports": [TCP443], "serverNames": ["a.com"], "rules": HTTP, "terminatingTLS": {"secret": {"name": "s"}}}
        ),
        cilium({"toCIDR": ["10.0.0.1/8"], "toFQDNs": []}),
        cilium({"icmps": [{"fields": [{"type": "EchoRequest", "family": "IPv6"}, {"type": "255"}]}]}),
        cilium({"toEndpoints": [{"matchLabels": {"reserved:host": "", "any:a.b/c": "d"}}]}),
        cilium({}, log={"value": "é" * 32}),
        {**cilium({}), "spec": None, "specs": [{"endpointSelector": {}, "egress": [{}]}]},
    ],
)
def test_cilium_accepts(subject: Manifest) -> None:
    assert fields(subject) == []


def test_only_a_cluster_wide_policy_of_cilium_selects_nodes_and_then_has_no_http() -> None:
    http = {"toPorts": [{"ports": [TCP443], "rules": HTTP}]}
    nodes = {"nodeSelector": {}, "egress": [http], "ingress": [http]}
    subject = manifest("cilium.io/v2", "CiliumClusterwideNetworkPolicy", nodes, namespace=None)

    assert fields(subject) == ["spec.ingress[0].toPorts[0].rules.http", "spec.egress[0].toPorts[0].rules.http"]


def _destination(protocol: object = "TCP", /, **destination: object) -> Manifest:
    return calico({"action": "Allow", "protocol": protocol, "destination": destination})


DESTINATION = "spec.egress[0].destination"
CALICO = [
    (calico({"action": "allow"}), "spec.egress[0].action"),
    (calico({}), "spec.egress[0].action"),
    (calico(types=[]), "spec.types"),
    (calico(types=["Egress", "Egress"]), "spec.types[1]"),
    (calico(tier="a.b"), "spec.tier"),
    (_destination(nets=["junk"]), f"{DESTINATION}.nets[0]"),
    (_destination(nets=["10.0.0.1/8"]), f"{DESTINATION}.nets[0]"),
    (_destination(nets=["10.0.0.1"]), f"{DESTINATION}.nets[0]"),
    (_destination(nets=["10.0.0.0/8", "10.0.0.0/8"]), f"{DESTINATION}.nets[1]"),
    (_destination(nets=["10.0.0.0/8", "::/0"]), f"{DESTINATION}.nets"),
    (_destination(nets=["10.0.0.0/8"], notNets=["0.0.0.0/0"]), f"{DESTINATION}.notNets"),
    (_destination(ports=["9000:8000"]), f"{DESTINATION}.ports[0]"),
    (_destination(ports=["1:2:3"]), f"{DESTINATION}.ports[0]"),
    (_destination(ports=["0:5"]), f"{DESTINATION}.ports[0]"),
    (_destination(ports=[0]), f"{DESTINATION}.ports[0]"),
    (_destination(ports=["65536"]), f"{DESTINATION}.ports[0]"),
    (_destination(ports=["a b"]), f"{DESTINATION}.ports[0]"),
    (_destination(None, ports=[443]), f"{DESTINATION}.ports"),
    (_destination("ICMP", notPorts=[443]), f"{DESTINATION}.notPorts"),
    (_destination("JUNK"), "spec.egress[0].protocol"),
    (_destination("tcp"), "spec.egress[0].protocol"),
    (_destination(0), "spec.egress[0].protocol"),
    (_destination("256"), "spec.egress[0].protocol"),
    (_destination(selector="a =="), f"{DESTINATION}.selector"),
    (_destination(selector="global()"), f"{DESTINATION}.selector"),
    (_destination(namespaceSelector="global() && has(a)"), f"{DESTINATION}.namespaceSelector"),
    (_destination(domains=["a.com"]), f"{DESTINATION}.domains"),
    (_destination(services={"name": "s", "namespace": "n"}, ports=[1]), f"{DESTINATION}.services"),
    (_destination(services={"name": "s", "namespace": "n"}, selector="all()"), f"{DESTINATION}.services"),
    (_destination(services={"namespace": "n"}), f"{DESTINATION}.services.name"),
    (_destination(services={"name": "s"}), f"{DESTINATION}.services.namespace"),
    (
        calico({"action": "Allow", "source": {"services": {"name": "s", "namespace": "n"}}}),
        "spec.egress[0].source.services",
    ),
    (calico({"action": "Allow", "icmp": {"type": 8}}), "spec.egress[0].icmp"),
    (calico({"action": "Allow", "protocol": "ICMP", "icmp": {"code": 0}}), "spec.egress[0].icmp"),
    (calico({"action": "Allow", "protocol": "ICMPv6", "ipVersion": 4}), "spec.egress[0].ipVersion"),
    (calico({"action": "Allow", "protocol": "ICMP", "ipVersion": 6}), "spec.egress[0].ipVersion"),
    (calico({"action": "Allow", "ipVersion": 5}), "spec.egress[0].ipVersion"),
    (calico({"action": "Allow", "http": {}}), "spec.egress[0].http"),
    (calico(ingress=[{"action": "Deny", "http": {}}]), "spec.ingress[0].http"),
    (calico(ingress=[{"action": "Allow", "protocol": "UDP", "http": {}}]), "spec.ingress[0].http"),
    (calico(ingress=[{"action": "Allow", "http": {"paths": [{"exact": "a"}]}}]), "spec.ingress[0].http.paths[0].exact"),
    (calico({"action": "Allow"}, preDNAT=True, applyOnForward=True, types=["Ingress"]), "spec.egress"),
    (calico(preDNAT=True, applyOnForward=True), "spec.types"),
    (calico(doNotTrack=True), "spec.applyOnForward"),
    (calico(preDNAT=True, doNotTrack=True, applyOnForward=True, types=["Ingress"]), "spec"),
    (calico(kind="StagedNetworkPolicy", stagedAction="Preview"), "spec.stagedAction"),
    (calico(kind="NetworkPolicy", stagedAction="Set"), "spec.stagedAction"),
    (calico(kind="NetworkPolicy", namespaceSelector="all()"), "spec.namespaceSelector"),
    ({**calico(), "metadata": {"name": "a.b.c"}}, "metadata.name"),
    (manifest("projectcalico.org/v3", "GlobalNetworkSet", {"nets": ["junk"]}, namespace=None), "spec.nets[0]"),
    (
        manifest("projectcalico.org/v3", "GlobalNetworkSet", {"allowedEgressDomains": ["a.com"]}, namespace=None),
        "spec.allowedEgressDomains",
    ),
    (manifest("projectcalico.org/v3", "Tier", {"defaultAction": "Allow"}, namespace=None), "spec.defaultAction"),
    (
        manifest("projectcalico.org/v3", "Tier", {"defaultAction": "Pass"}, name="default", namespace=None),
        "spec.defaultAction",
    ),
    (manifest("projectcalico.org/v3", "Tier", {"order": 1}, name="kube-admin", namespace=None), "spec.defaultAction"),
]


@pytest.mark.parametrize(("subject", "field"), CALICO)
def test_calico_refuses(subject: Manifest, field: str) -> None:
    assert field in fields(subject)


@pytest.mark.parametrize(
    "subject",
    [
        _destination(ports=["1:65535", "80", "https", 443]),
        _destination(6, ports=[1]),
        _destination("17", ports=[1]),
        _destination(None, nets=["::/0"]),
        _destination(namespaceSelector="global()"),
        calico({"action": "Allow", "protocol": 58, "icmp": {"type": 128}}),
        {**calico(kind="NetworkPolicy"), "metadata": {"name": "knp.default.a.b.c"}},
        {**calico(), "apiVersion": "crd.projectcalico.org/v1", "spec": None},
        manifest("projectcalico.org/v3", "Tier", {"defaultAction": "Pass"}, name="kube-baseline", namespace=None),
    ],
)
def test_calico_accepts(subject: Manifest) -> None:
    assert fields(subject) == []


def test_names_are_for_calico_enterprise_and_there_for_allow_rules_of_egress_only() -> None:
    allow = _destination(domains=["*.example.com"])
    deny = calico({"action": "Deny", "destination": {"domains": ["*.example.com"]}})
    twice = _destination(domains=["*.*.example.com"])

    def refused(subject: Manifest) -> list[str]:
        return [error.field for error in validate_manifest(subject, calico_enterprise=True)]

    assert refused(allow) == []
    assert refused(deny) == [f"{DESTINATION}.domains"]
    assert refused(twice) == [f"{DESTINATION}.domains[0]"]


def _accept(peer: object, **rule: object) -> Manifest:
    return cluster_policy({"action": "Accept", "to": [peer]} | rule)


NETWORKS = {"networks": ["10.0.0.0/8"]}
NAMES = {"domainNames": ["a.com"]}
RULE = "spec.egress[0]"

CLUSTER_POLICY = [
    (cluster_policy(priority=1001), "spec.priority"),
    (cluster_policy(priority=-1), "spec.priority"),
    (cluster_policy(priority=None), "spec.priority"),
    (cluster_policy(tier="Default"), "spec.tier"),
    (cluster_policy(subject={}), "spec.subject"),
    (cluster_policy(subject={"namespaces": {}, "pods": {"podSelector": {}}}), "spec.subject"),
    (cluster_policy({"action": "Allow", "to": [NETWORKS]}), f"{RULE}.action"),
    (cluster_policy({"action": "Deny", "to": [NAMES]}), f"{RULE}.to[0].domainNames"),
    (cluster_policy({"action": "Pass", "to": [NAMES]}), f"{RULE}.to[0].domainNames"),
    (cluster_policy({"action": "Accept", "to": []}), f"{RULE}.to"),
    (cluster_policy({"action": "Accept"}), f"{RULE}.to"),
    (cluster_policy(*[{"action": "Accept", "to": [NETWORKS]}] * 26), "spec.egress"),
    (_accept({}), f"{RULE}.to[0]"),
    (_accept(NETWORKS | NAMES), f"{RULE}.to[0]"),
    (_accept({"networks": ["10.0.0.1"]}), f"{RULE}.to[0].networks[0]"),
    (_accept({"networks": [f"10.{n}.0.0/16" for n in range(26)]}), f"{RULE}.to[0].networks"),
    (_accept({"domainNames": ["a.com", "a.com"]}), f"{RULE}.to[0].domainNames[1]"),
    (_accept({"domainNames": [f"a{n}.com" for n in range(26)]}), f"{RULE}.to[0].domainNames"),
    (_accept({"pods": {"namespaceSelector": {}}}), f"{RULE}.to[0].pods.podSelector"),
    (_accept(NETWORKS, name="x" * 101), f"{RULE}.name"),
    (_accept(NETWORKS, protocols=[]), f"{RULE}.protocols"),
    (_accept(NETWORKS, protocols=[{}]), f"{RULE}.protocols[0]"),
    (_accept(NETWORKS, protocols=[{"tcp": {}}]), f"{RULE}.protocols[0].tcp"),
    (_accept(NETWORKS, protocols=[{"destinationNamedPort": "x"}]), f"{RULE}.protocols[0].destinationNamedPort"),
    (
        _accept(NETWORKS, protocols=[{"tcp": {"destinationPort": {"range": {"start": 5, "end": 5}}}}]),
        f"{RULE}.protocols[0].tcp.destinationPort.range",
    ),
]


@pytest.mark.parametrize(("subject", "field"), CLUSTER_POLICY)
def test_cluster_network_policy_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


@pytest.mark.parametrize(
    "name", ["*", "*com", "*.com", "**.a.com", "a.*.com", "com", "a.com/", "", ".a.com", "a..com", "a_.com"]
)
def test_cluster_network_policy_refuses_the_domain(name: str) -> None:
    assert fields(_accept({"domainNames": [name]})) == [f"{RULE}.to[0].domainNames[0]"]


@pytest.mark.parametrize("name", ["A.COM", "a.com.", "a_b.com", "_x.com", "^a.com", "1.2.3.4", "*.a.com", "a-b.com"])
def test_cluster_network_policy_accepts_the_domain_that_the_server_accepts(name: str) -> None:
    assert fields(_accept({"domainNames": [name]})) == []


def _admin(kind: str, **spec: object) -> Manifest:
    full = {"subject": {"namespaces": {}}} | ({"priority": 1} if kind == "AdminNetworkPolicy" else {}) | spec
    return manifest("policy.networking.k8s.io/v1alpha1", kind, full, name="default", namespace=None)


ADMIN = [
    (_admin("AdminNetworkPolicy", egress=[{"action": "Accept", "to": [NETWORKS]}]), f"{RULE}.action"),
    (_admin("AdminNetworkPolicy", egress=[{"action": "Deny", "to": [NAMES]}]), f"{RULE}.to[0].domainNames"),
    (_admin("AdminNetworkPolicy", egress=[{"action": "Allow", "to": [NETWORKS]}] * 101), "spec.egress"),
    (
        _admin("AdminNetworkPolicy", egress=[{"action": "Allow", "to": [NETWORKS], "ports": [{"namedPort": "a"}]}]),
        f"{RULE}.ports[0].namedPort",
    ),
    (_admin("AdminNetworkPolicy", subject={"pods": {"podSelector": {}}}), "spec.subject.pods.namespaceSelector"),
    (_admin("BaselineAdminNetworkPolicy", egress=[{"action": "Pass", "to": [NETWORKS]}]), f"{RULE}.action"),
    (_admin("BaselineAdminNetworkPolicy", egress=[{"action": "Allow", "to": [NAMES]}]), f"{RULE}.to[0].domainNames"),
    (_admin("BaselineAdminNetworkPolicy", priority=1), "spec.priority"),
    ({**_admin("BaselineAdminNetworkPolicy"), "metadata": {"name": "x"}}, "metadata.name"),
]


@pytest.mark.parametrize(("subject", "field"), ADMIN)
def test_admin_network_policies_refuse(subject: Manifest, field: str) -> None:
    assert field in fields(subject)


def test_a_reversed_range_of_an_admin_network_policy_is_taken_as_the_server_takes_it() -> None:
    reversed_range = {"action": "Allow", "to": [NETWORKS], "ports": [{"portRange": {"start": 9, "end": 8}}]}

    assert fields(_admin("AdminNetworkPolicy", egress=[reversed_range])) == []


def _allow(**rule: object) -> Manifest:
    return antrea({"action": "Allow"} | rule)


ANTREA = [
    (antrea(priority=0.5), "spec.priority"),
    (antrea(priority=10_001), "spec.priority"),
    (antrea(priority=float("nan")), "spec.priority"),
    (antrea(priority=None), "spec.priority"),
    (antrea(appliedTo=[]), "spec.appliedTo"),
    (antrea({"action": "Accept"}), f"{RULE}.action"),
    (antrea({"action": "Pass"}, tier="baseline"), f"{RULE}.action"),
    (antrea({"action": "Drop", "name": "a"}, {"action": "Drop", "name": "a"}), "spec.egress[1].name"),
    (_allow(logLabel="a" * 64), f"{RULE}.logLabel"),
    (_allow(to=[{"fqdn": "http://x y"}]), f"{RULE}.to[0].fqdn"),
    (_allow(to=[{"fqdn": "a_b.com"}]), f"{RULE}.to[0].fqdn"),
    (_allow(to=[{"ipBlock": {"cidr": "10.0.0.1"}}]), f"{RULE}.to[0].ipBlock.cidr"),
    (_allow(to=[{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]), f"{RULE}.to[0].ipBlock.except[0]"),
    (_allow(to=[{"group": "g", "podSelector": {}}]), f"{RULE}.to[0]"),
    (_allow(to=[{"namespaces": {"match": "Self"}, "namespaceSelector": {}}]), f"{RULE}.to[0]"),
    (_allow(ports=[{"endPort": 5}]), f"{RULE}.ports[0].endPort"),
    (_allow(ports=[{"sourceEndPort": 5}]), f"{RULE}.ports[0].sourceEndPort"),
    (_allow(ports=[{"sourcePort": 6, "sourceEndPort": 5}]), f"{RULE}.ports[0].sourceEndPort"),
    (_allow(protocols=[{}]), f"{RULE}.protocols[0]"),
    (_allow(protocols=[{"igmp": {"groupAddress": "10.0.0.1"}}]), f"{RULE}.protocols[0].igmp.groupAddress"),
    (_allow(protocols=[{"igmp": {}}], ports=[{"port": 1}]), f"{RULE}.protocols"),
    (antrea({"action": "Reject", "protocols": [{"igmp": {}}]}), f"{RULE}.action"),
    (antrea({"action": "Drop", "l7Protocols": [{"tls": {}}]}), f"{RULE}.l7Protocols"),
    (_allow(l7Protocols=[{"http": {}}], ports=[{"protocol": "UDP"}]), f"{RULE}.l7Protocols"),
    (_allow(toServices=[{"name": "s", "namespace": "n"}], ports=[{"port": 1}]), f"{RULE}.toServices"),
    (_allow(toServices=[{"name": "s"}]), f"{RULE}.toServices[0].namespace"),
    (_allow(appliedTo=[{"podSelector": {}}]), "spec.appliedTo"),
    (antrea({"action": "Drop"}, appliedTo=[{"service": {"name": "a", "namespace": "b"}}]), "spec.appliedTo"),
    (antrea(appliedTo=[{"nodeSelector": {}, "podSelector": {}}]), "spec.appliedTo[0]"),
    (manifest("crd.antrea.io/v1beta1", "Tier", {"priority": 251}, namespace=None), "spec.priority"),
    (manifest("crd.antrea.io/v1beta1", "Tier", {"priority": 256}, namespace=None), "spec.priority"),
    (
        manifest("crd.antrea.io/v1beta1", "Group", {"childGroups": ["a"], "podSelector": {"matchLabels": {"a": "b"}}}),
        "spec",
    ),
]


@pytest.mark.parametrize(("subject", "field"), ANTREA)
def test_antrea_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


def test_antrea_lets_every_rule_say_for_itself_what_it_applies_to() -> None:
    rule = {"action": "Drop", "appliedTo": [{"podSelector": {}}]}

    assert fields(antrea(rule, rule, appliedTo=None)) == []
    assert fields(antrea(rule, {"action": "Drop"}, appliedTo=None)) == ["spec.appliedTo"]


def _firewall(to: object, **rule: object) -> Manifest:
    return egress_firewall({"type": "Allow", "to": to} | rule)


OVN = [
    (_firewall({}), f"{RULE}.to"),
    (_firewall({"cidrSelector": "1.0.0.0/8", "dnsName": "a.com"}), f"{RULE}.to"),
    (_firewall({"cidrSelector": "junk"}), f"{RULE}.to.cidrSelector"),
    (_firewall({"dnsName": "*"}), f"{RULE}.to.dnsName"),
    (_firewall({"dnsName": "a_b.com"}), f"{RULE}.to.dnsName"),
    (_firewall({"dnsName": "**.a.com"}), f"{RULE}.to.dnsName"),
    (_firewall({"dnsName": "a.com"}, type="Allowx"), f"{RULE}.type"),
    (_firewall({"dnsName": "a.com"}, ports=[{"protocol": "XUDPX", "port": 1}]), f"{RULE}.ports[0].protocol"),
    (_firewall({"dnsName": "a.com"}, ports=[{"protocol": "TCP"}]), f"{RULE}.ports[0].port"),
    (_firewall({"dnsName": "a.com"}, ports=[{"protocol": "TCP", "port": 1, "endPort": 2}]), f"{RULE}.ports[0].endPort"),
    ({**egress_firewall(), "metadata": {"name": "x"}}, "metadata.name"),
    (manifest("k8s.ovn.org/v1", "EgressFirewall", {}, name="default"), "spec.egress"),
]


@pytest.mark.parametrize(("subject", "field"), OVN)
def test_egress_firewall_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


@pytest.mark.parametrize("name", ["*.a.com", "a.com.", "A.COM", "-a.com", "com", "*.com"])
def test_egress_firewall_accepts_the_name(name: str) -> None:
    assert fields(_firewall({"dnsName": name})) == []


GKE = [
    (fqdn_policy(), f"{RULE}.matches"),
    (fqdn_policy({}), f"{RULE}.matches[0]"),
    (fqdn_policy({"name": "a.com", "pattern": "*"}), f"{RULE}.matches[0]"),
    (fqdn_policy({"name": "*.a.com"}), f"{RULE}.matches[0].name"),
    (fqdn_policy({"name": "-a.com"}), f"{RULE}.matches[0].name"),
    (fqdn_policy({"name": "a-.com"}), f"{RULE}.matches[0].name"),
    (fqdn_policy({"name": "a..com"}), f"{RULE}.matches[0].name"),
    (fqdn_policy({"pattern": ".a"}), f"{RULE}.matches[0].pattern"),
    (fqdn_policy({"name": "a.com"}, ports=[{"port": 1, "protocol": "SCTP"}]), f"{RULE}.ports[0].protocol"),
    (fqdn_policy({"name": "a.com"}, ports=[{"port": 1, "endPort": 2}]), f"{RULE}.ports[0].endPort"),
    (manifest("networking.gke.io/v1alpha1", "FQDNNetworkPolicy", {"podSelector": {}, "egress": []}), "spec.egress"),
    (manifest("networking.gke.io/v1alpha3", "FQDNNetworkPolicy", {"podSelector": {}}), "kind"),
]


@pytest.mark.parametrize(("subject", "field"), GKE)
def test_fqdn_network_policy_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


@pytest.mark.parametrize(
    "match", [{"name": ""}, {"name": "a.com."}, {"name": "a_b"}, {"pattern": "**.a.com"}, {"pattern": "*."}]
)
def test_fqdn_network_policy_accepts(match: dict[str, str]) -> None:
    assert fields(fqdn_policy(match)) == []


AWS = [
    (application_policy({"to": [NAMES | BLOCK]}), f"{RULE}.to[0]"),
    (application_policy({"to": [NAMES | {"podSelector": {}}]}), f"{RULE}.to[0]"),
    (application_policy({"to": [BLOCK | {"podSelector": {}}]}), f"{RULE}.to[0]"),
    (application_policy({"to": [{"ipBlock": {"cidr": "junk"}}]}), f"{RULE}.to[0].ipBlock.cidr"),
    (application_policy({"to": [{"domainNames": []}]}), f"{RULE}.to[0].domainNames"),
    (application_policy({"to": [{"domainNames": ["*"]}]}), f"{RULE}.to[0].domainNames[0]"),
    (application_policy({"ports": [{"port": 9, "endPort": 5}]}), f"{RULE}.ports[0].endPort"),
    (application_policy({"ports": [{"port": 9, "protocol": "JUNK"}]}), f"{RULE}.ports[0].protocol"),
    (manifest("networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy", {}), "spec.podSelector"),
]


@pytest.mark.parametrize(("subject", "field"), AWS)
def test_application_network_policy_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


def test_application_network_policy_takes_a_thousand_names() -> None:
    assert fields(application_policy({"to": [{"domainNames": [f"a{n}.com" for n in range(1000)]}]})) == []


ISTIO = [
    (service_entry(hosts=[]), "spec.hosts"),
    (service_entry(hosts=["*"]), "spec.hosts[0]"),
    (service_entry(hosts=["a.*.com"]), "spec.hosts[0]"),
    (service_entry(hosts=["*.a.com"], resolution="DNS"), "spec.hosts[0]"),
    (service_entry(hosts=[f"a{n}.com" for n in range(257)]), "spec.hosts"),
    (service_entry(addresses=["10.0.0.0/8"], resolution="DNS"), "spec.addresses"),
    (service_entry(ports=[{"name": "a", "number": 0}]), "spec.ports[0].number"),
    (service_entry(ports=[{"name": "a", "number": 1}, {"name": "b", "number": 1}]), "spec.ports[1].number"),
    (service_entry(ports=[{"name": "a", "number": 1}, {"name": "a", "number": 2}]), "spec.ports[1]"),
    (service_entry(endpoints=[{"address": "a"}]), "spec.endpoints"),
    (service_entry(resolution="STATIC", endpoints=[{}]), "spec.endpoints[0].address"),
    (service_entry(resolution="STATIC", endpoints=[{"address": "unix://a"}]), "spec.endpoints[0].address"),
    (service_entry(resolution="STATIC", endpoints=[{"address": "unix:///a", "ports": {}}]), "spec.endpoints[0].ports"),
    (service_entry(resolution="DNS_ROUND_ROBIN", endpoints=[{"address": "a"}] * 2), "spec.endpoints"),
    (service_entry(resolution="STATIC", endpoints=[], workloadSelector={}), "spec.endpoints"),
    (service_entry(resolution="static"), "spec.resolution"),
    (examples.manifest("networking.istio.io/v1", "Sidecar", {"egress": [{}]}), "spec.egress[0].hosts"),
    (
        examples.manifest("networking.istio.io/v1", "Sidecar", {"outboundTrafficPolicy": {"mode": "DENY"}}),
        "spec.outboundTrafficPolicy.mode",
    ),
    (examples.manifest("networking.istio.io/v1", "Sidecar", {"egress": [{"hosts": ["a"]}]}), "spec.egress[0].hosts[0]"),
]


@pytest.mark.parametrize(("subject", "field"), ISTIO)
def test_istio_refuses(subject: Manifest, field: str) -> None:
    assert fields(subject) == [field]


@pytest.mark.parametrize("resolution", ["NONE", "DYNAMIC_DNS", None])
def test_istio_accepts_a_wildcard_where_nothing_is_resolved(resolution: str | None) -> None:
    assert fields(service_entry(hosts=["*.a.com"], resolution=resolution)) == []
