"""One object of every kind that is valid and says as much as its kind can, for tests that then break it."""

from typing import Any

Manifest = dict[str, Any]

SELECTOR = {
    "matchLabels": {"app": "web", "example.com/tier": ""},
    "matchExpressions": [
        {"key": "env", "operator": "In", "values": ["prod", "test"]},
        {"key": "old", "operator": "DoesNotExist"},
    ],
}


def manifest(
    api_version: str, kind: str, spec: Any, *, name: str = "t", namespace: str | None = "h-targets"
) -> Manifest:
    """An object around a spec."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def network_policy(**spec: Any) -> Manifest:
    """A NetworkPolicy for egress, with these fields on top."""
    return manifest("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": {}, "policyTypes": ["Egress"]} | spec)


def cilium(*egress: Any, **fields: Any) -> Manifest:
    """A CiliumNetworkPolicy with these egress rules."""
    rule = ({"egress": list(egress)} if egress else {}) | fields
    return manifest("cilium.io/v2", "CiliumNetworkPolicy", {"endpointSelector": {}} | rule)


def calico(*egress: Any, kind: str = "GlobalNetworkPolicy", **fields: Any) -> Manifest:
    """A Calico policy with these egress rules."""
    namespace = None if "Global" in kind else "h-targets"
    spec = {"types": ["Egress"]} | ({"egress": list(egress)} if egress else {}) | fields
    return manifest("projectcalico.org/v3", kind, spec, name="default.t", namespace=namespace)


def cluster_policy(*egress: Any, **fields: Any) -> Manifest:
    """A ClusterNetworkPolicy with these egress rules."""
    spec = {"tier": "Admin", "priority": 10, "subject": {"namespaces": {}}, "egress": list(egress)} | fields
    return manifest("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", spec, namespace=None)


def antrea(*egress: Any, **fields: Any) -> Manifest:
    """An Antrea ClusterNetworkPolicy with these egress rules."""
    spec = {"priority": 5, "appliedTo": [{"namespaceSelector": {}}], "egress": list(egress)} | fields
    return manifest("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", spec, namespace=None)


def egress_firewall(*egress: Any) -> Manifest:
    """An EgressFirewall with these rules."""
    return manifest("k8s.ovn.org/v1", "EgressFirewall", {"egress": list(egress)}, name="default")


def fqdn_policy(*matches: Any, **rule: Any) -> Manifest:
    """A GKE FQDNNetworkPolicy with these matches."""
    spec = {"podSelector": {}, "egress": [{"matches": list(matches)} | rule]}
    return manifest("networking.gke.io/v1alpha1", "FQDNNetworkPolicy", spec)


def application_policy(*egress: Any) -> Manifest:
    """An AWS ApplicationNetworkPolicy with these rules."""
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": list(egress)}
    return manifest("networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy", spec)


def service_entry(**spec: Any) -> Manifest:
    """An Istio ServiceEntry for one host."""
    return manifest("networking.istio.io/v1", "ServiceEntry", {"hosts": ["api.example.com"]} | spec)


_CILIUM_L7 = {
    "toFQDNs": [{"matchName": "api.example.com"}, {"matchPattern": "*.example.com"}],
    "toPorts": [
        {
            "ports": [{"port": "443", "protocol": "TCP", "endPort": 450}],
            "serverNames": ["api.example.com", "**.example.com"],
            "originatingTLS": {"secret": {"name": "s", "namespace": "n"}, "certificate": "c", "trustedCA": "ca"},
        },
        {
            "ports": [{"port": "80", "protocol": "TCP"}],
            "rules": {
                "http": [
                    {
                        "method": "GET|HEAD",
                        "path": "/v1/.*",
                        "host": "api.example.com",
                        "headers": ["X-A: b"],
                        "headerMatches": [
                            {"name": "X-B", "value": "c", "mismatch": "LOG", "secret": {"name": "s", "namespace": "n"}}
                        ],
                    }
                ]
            },
        },
    ],
    "authentication": {"mode": "disabled"},
}
_CILIUM_DNS = {
    "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system"}}],
    "toPorts": [
        {
            "ports": [{"port": "53", "protocol": "ANY"}],
            "rules": {"dns": [{"matchPattern": "*"}, {"matchName": "a.example.com"}]},
        }
    ],
}
_CALICO_ENTITY = {
    "nets": ["10.0.0.0/8"],
    "notNets": ["10.1.0.0/16"],
    "ports": [443, "8000:9000", "https"],
    "notPorts": [22],
    "selector": "app == 'web' && has(tier)",
    "notSelector": "old == 'yes'",
    "namespaceSelector": "global()",
    "serviceAccounts": {"names": ["a"], "selector": "role in {'x', 'y'}"},
}
_CLUSTER_PORTS = [
    {"tcp": {"destinationPort": {"number": 443}}},
    {"udp": {"destinationPort": {"range": {"start": 1, "end": 5}}}},
]
_PODS = {"namespaceSelector": {}, "podSelector": SELECTOR}
_ADMIN_PORTS = [{"portNumber": {"port": 443, "protocol": "TCP"}}, {"portRange": {"start": 1, "end": 5}}]

RICH: tuple[Manifest, ...] = (
    network_policy(
        podSelector=SELECTOR,
        policyTypes=["Egress", "Ingress"],
        ingress=[{"from": [{"podSelector": {}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": "http"}]}],
        egress=[
            {
                "to": [
                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}},
                    {"namespaceSelector": SELECTOR, "podSelector": {}},
                ],
                "ports": [{"protocol": "UDP", "port": 53}, {"port": 8000, "endPort": 9000}],
            }
        ],
    ),
    cilium(_CILIUM_L7, _CILIUM_DNS, {"toEntities": ["world"], "icmps": [{"fields": [{"type": 8, "family": "IPv4"}]}]}),
    cilium(
        {"toCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}, {"cidrGroupRef": "g"}]},
        {"toCIDR": ["10.0.0.0/8"], "toPorts": [{"ports": [{"port": "https"}]}]},
        {"toServices": [{"k8sService": {"serviceName": "s", "namespace": "n"}}]},
        egressDeny=[{"toCIDR": ["169.254.169.254/32"], "toPorts": [{"ports": [{"port": "80"}]}]}],
        ingress=[{"fromEndpoints": [SELECTOR]}, {"fromCIDR": ["10.0.0.0/8"]}],
        ingressDeny=[{"fromEntities": ["world"]}],
        enableDefaultDeny={"egress": True, "ingress": False},
        description="d",
        labels=[{"key": "a", "value": "b", "source": "k8s"}],
        log={"value": "SP-7K3QF"},
    ),
    manifest(
        "cilium.io/v2",
        "CiliumClusterwideNetworkPolicy",
        {"nodeSelector": SELECTOR, "egress": [{"toNodes": [{}]}, {"toGroups": [{"aws": {"region": "r"}}]}]},
        namespace=None,
    ),
    manifest("cilium.io/v2", "CiliumCIDRGroup", {"externalCIDRs": ["10.0.0.0/8", "2001:db8::/32"]}, namespace=None),
    calico(
        {
            "action": "Allow",
            "protocol": "TCP",
            "ipVersion": 4,
            "source": {"selector": "all()"},
            "destination": _CALICO_ENTITY,
            "metadata": {"annotations": {"sallyport.dev/passport": "SP-7K3QF"}},
        },
        {"action": "Log", "protocol": "ICMP", "icmp": {"type": 8, "code": 0}},
        {"action": "Deny", "notProtocol": 17},
        {"action": "Allow", "destination": {"services": {"name": "s", "namespace": "n"}}},
        ingress=[{"action": "Allow", "protocol": "TCP", "http": {"methods": ["GET"], "paths": [{"exact": "/a"}]}}],
        order=100.5,
        tier="security",
        selector="all()",
        namespaceSelector="all()",
        serviceAccountSelector="a == 'b'",
        types=["Ingress", "Egress"],
        performanceHints=["AssumeNeededOnEveryNode"],
    ),
    calico({"action": "Pass"}, kind="StagedNetworkPolicy", stagedAction="Set", selector="a contains 'b'"),
    calico({"action": "Deny"}, kind="StagedGlobalNetworkPolicy", applyOnForward=True, doNotTrack=True),
    manifest(
        "projectcalico.org/v3",
        "StagedKubernetesNetworkPolicy",
        {"podSelector": {}, "policyTypes": ["Egress"], "stagedAction": "Set", "egress": [{"ports": [{"port": 443}]}]},
    ),
    manifest("projectcalico.org/v3", "NetworkSet", {"nets": ["10.0.0.0/8", "1.2.3.4"]}),
    manifest("projectcalico.org/v3", "Tier", {"order": 5, "defaultAction": "Pass"}, namespace=None),
    cluster_policy(
        {"action": "Accept", "name": "r", "to": [{"networks": ["10.0.0.0/8"]}], "protocols": _CLUSTER_PORTS},
        {"action": "Accept", "to": [{"domainNames": ["*.example.com", "api.example.com"]}]},
        {"action": "Pass", "to": [{"pods": _PODS}], "protocols": [{"destinationNamedPort": "https"}]},
        {"action": "Deny", "to": [{"nodes": SELECTOR}, {"namespaces": {}}]},
        ingress=[{"action": "Deny", "from": [{"namespaces": SELECTOR}]}],
        subject={"pods": _PODS},
    ),
    manifest(
        "policy.networking.k8s.io/v1alpha1",
        "AdminNetworkPolicy",
        {
            "priority": 0,
            "subject": {"pods": _PODS},
            "ingress": [{"action": "Deny", "from": [{"pods": _PODS}]}],
            "egress": [
                {"action": "Allow", "name": "r", "to": [{"networks": ["10.0.0.0/8"]}], "ports": _ADMIN_PORTS},
                {"action": "Allow", "to": [{"domainNames": ["*.example.com"]}]},
                {"action": "Pass", "to": [{"namespaces": {}}], "ports": [{"namedPort": "https"}]},
            ],
        },
        namespace=None,
    ),
    manifest(
        "policy.networking.k8s.io/v1alpha1",
        "BaselineAdminNetworkPolicy",
        {"subject": {"namespaces": {}}, "egress": [{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]},
        name="default",
        namespace=None,
    ),
    antrea(
        {
            "action": "Allow",
            "name": "r1",
            "to": [{"fqdn": "*.example.com"}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
            "ports": [{"protocol": "TCP", "port": 8000, "endPort": 9000}, {"sourcePort": 1, "sourceEndPort": 2}],
            "enableLogging": True,
            "logLabel": "SP-7K3QF",
        },
        {"action": "Allow", "name": "r2", "l7Protocols": [{"tls": {"sni": "*.example.com"}}]},
        {"action": "Drop", "name": "r3", "protocols": [{"icmp": {"icmpType": 8, "icmpCode": 0}}]},
        {"action": "Allow", "name": "r4", "toServices": [{"name": "s", "namespace": "n", "scope": "Cluster"}]},
        {"action": "Reject", "name": "r5", "to": [{"namespaces": {"match": "Self"}, "podSelector": SELECTOR}]},
        ingress=[{"action": "Allow", "name": "i1", "from": [{"group": "g"}, {"podSelector": {}}]}],
        tier="securityops",
    ),
    manifest(
        "crd.antrea.io/v1beta1",
        "NetworkPolicy",
        {"priority": 1.5, "appliedTo": [{"podSelector": {}}], "egress": [{"action": "Drop"}]},
    ),
    manifest("crd.antrea.io/v1beta1", "Tier", {"priority": 100, "description": "d"}, namespace=None),
    manifest("crd.antrea.io/v1beta1", "ClusterGroup", {"ipBlocks": [{"cidr": "10.0.0.0/8"}]}, namespace=None),
    manifest("crd.antrea.io/v1beta1", "Group", {"podSelector": SELECTOR, "namespaceSelector": {}}),
    egress_firewall(
        {"type": "Allow", "to": {"dnsName": "*.example.com"}, "ports": [{"protocol": "TCP", "port": 443}]},
        {"type": "Allow", "to": {"nodeSelector": SELECTOR}},
        {"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}},
    ),
    fqdn_policy({"name": "a.example.com"}, {"pattern": "*.example.com"}, ports=[{"protocol": "ALL", "port": 443}]),
    application_policy(
        {"to": [{"domainNames": ["*.example.com"]}], "ports": [{"port": 443, "protocol": "TCP"}]},
        {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"podSelector": SELECTOR}]},
    ),
    manifest(
        "networking.k8s.aws/v1alpha1",
        "ClusterNetworkPolicy",
        {
            "tier": "Admin",
            "priority": 1,
            "subject": {"namespaces": {}},
            "egress": [
                {"action": "Accept", "to": [{"domainNames": ["*.example.com"]}], "ports": _ADMIN_PORTS},
                {"action": "Deny", "to": [{"networks": ["10.0.0.0/8"]}, {"pods": _PODS}]},
            ],
            "ingress": [{"action": "Pass", "from": [{"namespaces": SELECTOR}]}],
        },
        namespace=None,
    ),
    service_entry(
        addresses=["10.0.0.0/8", "1.2.3.4"],
        ports=[{"name": "tls", "number": 443, "protocol": "TLS", "targetPort": 8443}, {"name": "b", "number": 80}],
        resolution="STATIC",
        location="MESH_EXTERNAL",
        exportTo=["."],
        endpoints=[{"address": "1.2.3.4", "ports": {"tls": 443}, "labels": {"a": "b"}, "weight": 1}],
        subjectAltNames=["a"],
    ),
    manifest(
        "networking.istio.io/v1",
        "Sidecar",
        {
            "workloadSelector": {"labels": {"app": "web"}},
            "egress": [{"hosts": ["./*", "istio-system/*"], "port": {"number": 443, "protocol": "TLS", "name": "t"}}],
            "ingress": [{"port": {"number": 80, "protocol": "HTTP", "name": "h"}, "defaultEndpoint": "127.0.0.1:80"}],
            "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        },
    ),
)
