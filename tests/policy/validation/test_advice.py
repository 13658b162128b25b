"""What is accepted everywhere and still worth a second look."""

import pytest

from policy.validation import validate_manifest
from policy.validation.advice import Advice, advise
from tests.policy.validation.examples import (
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

RULE = "spec.egress[0]"
DNS = {"toPorts": [{"ports": [{"port": "53"}], "rules": {"dns": [{"matchPattern": "*"}]}}], "toEntities": ["cluster"]}


def advice(subject: Manifest) -> list[tuple[str, str]]:
    """Rule and field of each warning about an object that is valid."""
    assert validate_manifest(subject) == ()
    return [(one.rule, one.field) for one in advise(subject)]


def _to(*peers: object, **rule: object) -> Manifest:
    return network_policy(egress=[{"to": list(peers)} | rule])


def _block(cidr: str, *excepts: str) -> Manifest:
    return {"ipBlock": {"cidr": cidr} | ({"except": list(excepts)} if excepts else {})}


def _negative(*operators: str, **selector: object) -> Manifest:
    expressions = [{"key": "a", "operator": one} | ({"values": ["b"]} if "In" in one else {}) for one in operators]
    return _to({"namespaceSelector": {"matchExpressions": expressions} | selector})


NAMESPACE_SELECTOR = f"{RULE}.to[0].namespaceSelector"

NETWORK_POLICY = [
    (network_policy(), []),
    (_to({"podSelector": {}}), []),
    (network_policy(egress=[{}]), [("any-destination", f"{RULE}.to")]),
    (network_policy(egress=[{"to": []}]), [("any-destination", f"{RULE}.to")]),
    (
        network_policy(policyTypes=None, egress=[{"to": [{"podSelector": {}}]}]),
        [("policy-types-missing", "spec.policyTypes")],
    ),
    (network_policy(policyTypes=None, egress=[]), [("policy-types-missing", "spec.policyTypes")]),
    (network_policy(policyTypes=None, ingress=[]), []),
    (
        network_policy(policyTypes=["Ingress"], egress=[{"to": [{"podSelector": {}}]}]),
        [("stray-section", "spec.egress")],
    ),
    (network_policy(ingress=[{"from": [{"podSelector": {}}]}]), [("stray-section", "spec.ingress")]),
    (_negative("NotIn"), [("negative-namespace-selector", NAMESPACE_SELECTOR)]),
    (_negative("NotIn", "DoesNotExist"), [("negative-namespace-selector", NAMESPACE_SELECTOR)]),
    (_negative("NotIn", "Exists"), []),
    (_negative("NotIn", matchLabels={"a": "b"}), []),
    (_to({"namespaceSelector": {}}), []),
    (_to(_block("0.0.0.0/0")), [("every-address", f"{RULE}.to")]),
    (_to(_block("::/0")), [("every-address", f"{RULE}.to")]),
    (_to(_block("0.0.0.0/1"), _block("128.0.0.0/1")), [("every-address", f"{RULE}.to")]),
    (_to(_block("0.0.0.0/2")), []),
    (_to(_block("0.0.0.0/1")), [("metadata-address", f"{RULE}.to")]),
    (_to(_block("128.0.0.0/1")), [("metadata-address", f"{RULE}.to")]),
    (_to(_block("169.254.0.0/16")), [("metadata-address", f"{RULE}.to")]),
    (_to(_block("169.254.0.0/16", "169.254.169.254/32")), []),
    (_to(_block("0.0.0.0/0", "169.254.0.0/16", "100.64.0.0/10")), []),
    (_to(_block("fd00:ec2::254/128")), [("metadata-address", f"{RULE}.to")]),
    (_to(_block("2001:DB8::/32")), [("not-canonical", f"{RULE}.to[0].ipBlock.cidr")]),
    (_to(_block("10.0.0.0/8"), ports=[{"port": "https"}]), [("named-port-with-ip-block", f"{RULE}.ports[0].port")]),
    (_to(_block("10.0.0.0/8"), ports=[{"port": 443}]), []),
    (_to({"podSelector": {}}, ports=[{"port": "https"}]), []),
]


@pytest.mark.parametrize(("subject", "expected"), NETWORK_POLICY)
def test_network_policy(subject: Manifest, expected: list[tuple[str, str]]) -> None:
    assert advice(subject) == expected


def _fqdn(**name: str) -> Manifest:
    return cilium({"toFQDNs": [name]}, DNS)


def _ports(*ports: object, **rule: object) -> Manifest:
    return cilium({"toCIDR": ["10.0.0.0/8"], "toPorts": [{"ports": list(ports)} | rule]})


CILIUM = [
    (cilium({}), []),
    (cilium(egressDeny=[{"toCIDR": ["0.0.0.0/0"]}]), []),
    (cilium({"toFQDNs": [{"matchName": "a.com"}]}), [("names-without-dns", f"{RULE}.toFQDNs")]),
    (_fqdn(matchName="a.com"), []),
    (_fqdn(matchName="1.2.3.4"), [("address-as-name", f"{RULE}.toFQDNs[0].matchName")]),
    (_fqdn(matchPattern="*.a.com"), []),
    (_fqdn(matchPattern="*"), [("every-name", f"{RULE}.toFQDNs[0].matchPattern")]),
    (_fqdn(matchPattern="**."), [("every-name", f"{RULE}.toFQDNs[0].matchPattern")]),
    (_fqdn(matchPattern="**.a.com"), [("needs-version", f"{RULE}.toFQDNs[0].matchPattern")]),
    (_fqdn(matchPattern="*a.com"), [("partial-label", f"{RULE}.toFQDNs[0].matchPattern")]),
    (cilium({"toPorts": [{"ports": [{"port": "443"}]}]}), [("any-destination", RULE)]),
    (cilium({"icmps": [{"fields": [{"type": 8}]}]}), [("any-destination", RULE)]),
    (cilium({"toEndpoints": []}), [("selects-nothing", f"{RULE}.toEndpoints")]),
    (cilium({"toEntities": ["cluster", "world"]}), [("every-address", f"{RULE}.toEntities[1]")]),
    (cilium({"toEntities": ["all"]}), [("every-address", f"{RULE}.toEntities[0]")]),
    (cilium({"toCIDR": ["0.0.0.0/0"]}), [("every-address", f"{RULE}.toCIDR")]),
    (cilium({"toCIDR": ["10.0.0.1/8"]}), [("host-bits", f"{RULE}.toCIDR[0]")]),
    (cilium({"toCIDRSet": [{"cidr": "::/0"}]}), [("every-address", f"{RULE}.toCIDRSet")]),
    (cilium({"toCIDRSet": [{"cidr": "::/0", "except": ["fd00::/8"]}]}), []),
    (cilium({"toCIDRSet": [{"cidrGroupRef": "g"}]}), []),
    (_ports({"port": "443"}), []),
    (_ports({"port": "0"}), []),
    (_ports({"port": "0443"}), [("octal-port", f"{RULE}.toPorts[0].ports[0].port")]),
    (_ports({"port": "100", "endPort": 50}), [("matches-nothing", f"{RULE}.toPorts[0].ports[0].endPort")]),
    (_ports({"port": "100", "endPort": 100}), []),
    (_ports({"port": "443"}, serverNames=["*.a.com"]), [("needs-version", f"{RULE}.toPorts[0].serverNames")]),
    (_ports({"port": "443"}, serverNames=["a.com"]), []),
    (
        {**cilium({}), "spec": None, "specs": [{"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]}]},
        [("every-address", "specs[0].egress[0].toEntities[0]")],
    ),
]


@pytest.mark.parametrize(("subject", "expected"), CILIUM)
def test_cilium(subject: Manifest, expected: list[tuple[str, str]]) -> None:
    assert advice(subject) == expected


def _destination(action: str = "Allow", **destination: object) -> Manifest:
    return calico({"action": action, "destination": destination}, kind="NetworkPolicy")


OTHERS = [
    (_destination(nets=["10.0.0.0/8"]), []),
    (_destination(), [("any-destination", f"{RULE}.destination")]),
    (_destination("Deny"), []),
    (_destination(nets=["0.0.0.0/0"]), [("every-address", f"{RULE}.destination.nets")]),
    (_destination(nets=["0.0.0.0/0"], notNets=["0.0.0.0/1", "169.254.0.0/16"]), []),
    (calico(kind="NetworkPolicy", types=None), [("policy-types-missing", "spec.types")]),
    (calico(), [("host-endpoints", "spec.namespaceSelector")]),
    (calico(namespaceSelector="all()"), []),
    (calico(selector="projectcalico.org/namespace == 'a'"), []),
    (calico(kind="StagedGlobalNetworkPolicy"), [("host-endpoints", "spec.namespaceSelector")]),
    ({**calico(kind="NetworkPolicy"), "apiVersion": "crd.projectcalico.org/v1"}, [("storage-form", "apiVersion")]),
    (
        cluster_policy({"action": "Accept", "to": [{"networks": ["0.0.0.0/0"]}]}),
        [("every-address", f"{RULE}.to[0].networks")],
    ),
    (cluster_policy({"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}), []),
    (
        cluster_policy({"action": "Accept", "to": [{"domainNames": ["1.2.3.4", "^a.com", "a.com"]}]}),
        [("address-as-name", f"{RULE}.to[0].domainNames[0]"), ("never-a-name", f"{RULE}.to[0].domainNames[1]")],
    ),
    (
        manifest(
            "policy.networking.k8s.io/v1alpha1",
            "AdminNetworkPolicy",
            {
                "priority": 1,
                "subject": {"namespaces": {}},
                "egress": [
                    {"action": "Allow", "to": [{"namespaces": {}}], "ports": [{"portRange": {"start": 9, "end": 8}}]}
                ],
            },
            namespace=None,
        ),
        [("matches-nothing", f"{RULE}.ports[0].portRange")],
    ),
    (antrea(), []),
    (antrea(tier="mine"), [("unknown-tier", "spec.tier")]),
    (antrea(tier="SecurityOps"), []),
    (antrea({"action": "Allow"}), [("any-destination", f"{RULE}.to")]),
    (antrea({"action": "Drop"}), []),
    (antrea({"action": "Allow", "to": [{"fqdn": "*.a.com"}]}), []),
    (antrea({"action": "Allow", "to": [{"fqdn": "*"}]}), [("every-name", f"{RULE}.to[0].fqdn")]),
    (antrea({"action": "Allow", "to": [{"fqdn": "*a.com"}]}), [("partial-label", f"{RULE}.to[0].fqdn")]),
    (antrea({"action": "Allow", "to": [{"fqdn": "a.com."}]}), [("matches-nothing", f"{RULE}.to[0].fqdn")]),
    (antrea({"action": "Drop", "to": [{"fqdn": "a.com"}]}), [("deny-by-name", f"{RULE}.to[0].fqdn")]),
    (
        antrea({"action": "Allow", "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
        [("every-address", f"{RULE}.to[0].ipBlock")],
    ),
    (antrea({"action": "Drop", "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}), []),
    (egress_firewall(), [("no-final-deny", "spec.egress")]),
    (egress_firewall({"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}}), []),
    (
        egress_firewall(
            {"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}, "ports": [{"protocol": "TCP", "port": 1}]}
        ),
        [("no-final-deny", "spec.egress")],
    ),
    (
        egress_firewall(
            {"type": "Deny", "to": {"dnsName": "*.a.com"}}, {"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}}
        ),
        [("needs-resolver", f"{RULE}.to.dnsName"), ("deny-by-name", f"{RULE}.to.dnsName")],
    ),
    (
        egress_firewall(*[{"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}}] * 8_001),
        [("too-many-rules", "spec.egress")],
    ),
    (fqdn_policy({"name": "a.com"}, {"pattern": "*.a.com"}), []),
    (
        fqdn_policy({"name": ""}, {"pattern": ""}),
        [("matches-nothing", f"{RULE}.matches[{n}].{f}") for n, f in ((0, "name"), (1, "pattern"))],
    ),
    (fqdn_policy({"pattern": "*."}), [("every-name", f"{RULE}.matches[0].pattern")]),
    (fqdn_policy({"pattern": "**.a.com"}), [("one-label-only", f"{RULE}.matches[0].pattern")]),
    (fqdn_policy({"name": "1.2.3.4"}), [("address-as-name", f"{RULE}.matches[0].name")]),
    (
        application_policy({"to": [{"domainNames": ["1.2.3.4"]}]}),
        [("address-as-name", f"{RULE}.to[0].domainNames[0]"), ("needs-auto-mode", "kind")],
    ),
    (service_entry(exportTo=["."]), []),
    (service_entry(), [("whole-mesh", "spec.exportTo")]),
    (
        service_entry(exportTo=["."], ports=[{"name": "t", "number": 1, "protocol": "TCP"}]),
        [("any-destination", "spec.ports[0]")],
    ),
    (service_entry(exportTo=["."], ports=[{"name": "t", "number": 1, "protocol": "TLS"}]), []),
    (service_entry(exportTo=["."], resolution="DNS", ports=[{"name": "t", "number": 1}]), []),
    (service_entry(exportTo=["."], addresses=["1.2.3.4"], ports=[{"name": "t", "number": 1}]), []),
    (
        manifest("networking.istio.io/v1", "Sidecar", {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}),
        [("no-boundary", "spec.outboundTrafficPolicy.mode")],
    ),
    (
        manifest("networking.istio.io/v1", "Sidecar", {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}),
        [("any-destination", "spec.outboundTrafficPolicy.mode")],
    ),
    (manifest("networking.istio.io/v1", "Sidecar", {}), []),
]


@pytest.mark.parametrize(("subject", "expected"), OTHERS)
def test_other_targets(subject: Manifest, expected: list[tuple[str, str]]) -> None:
    assert advice(subject) == expected


def test_an_object_near_the_limit_of_the_store_is_named() -> None:
    subject = manifest(
        "cilium.io/v2", "CiliumCIDRGroup", {"externalCIDRs": ["203.0.113.0/24"] * 60_000}, namespace=None
    )

    assert advice(subject) == [("object-size", "")]
    assert advice(manifest("cilium.io/v2", "CiliumCIDRGroup", {"externalCIDRs": ["1.0.0.0/8"]}, namespace=None)) == []


def test_what_is_not_valid_has_errors_and_no_advice() -> None:
    assert advise(network_policy(egress=[{}, {"bogus": 1}])) == ()


def test_every_warning_is_a_sentence_for_people() -> None:
    found = [one for table in (NETWORK_POLICY, CILIUM, OTHERS) for subject, _ in table for one in advise(subject)]

    assert all(isinstance(one, Advice) and len(one.message.split()) > 3 for one in found)
    assert len({one.rule for one in found}) > 20
