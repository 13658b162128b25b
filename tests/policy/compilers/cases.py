"""Enforcement points to compile for: every dialect, and the variants whose switches change what is written."""

from policy.capabilities import Capabilities
from policy.compilation import DIALECTS
from policy.template import METADATA_GUARDRAILS, DnsAllowance, Template, template

TEMPLATE = template("v1", dns=DnsAllowance(node_local_addresses=("169.254.20.10",)))
GUARDED = template("v1", guardrails=METADATA_GUARDRAILS)

POINTS: dict[str, Capabilities] = {
    "adminnetworkpolicy": Capabilities(dialect="adminnetworkpolicy", domain_names=True),
    "antrea": Capabilities(dialect="antrea", log=True),
    "aws-clusternetworkpolicy": Capabilities(dialect="aws-clusternetworkpolicy", domain_names=True),
    "aws-networkpolicy": Capabilities(dialect="aws-networkpolicy", node_mode="auto"),
    "aws-nfw": Capabilities(dialect="aws-nfw", sources=("10.8.0.0/16",)),
    "aws-nfw-domain-list": Capabilities(dialect="aws-nfw", rule_style="domain-list"),
    "aws-routes": Capabilities(dialect="aws-routes", route_target="tgw-attach-0a1b2c3d4e5f67890"),
    "aws-security-group": Capabilities(dialect="aws-security-group"),
    "calico": Capabilities(dialect="calico", log=True),
    "calico-enterprise": Capabilities(dialect="calico", edition="enterprise", staged=True),
    "calico-tier": Capabilities(dialect="calico", tier="egress", network_sets=True),
    "cilium": Capabilities(dialect="cilium", version="1.20.2"),
    "cilium-1.15": Capabilities(dialect="cilium", version="1.15.4"),
    "cilium-cluster-wide": Capabilities(dialect="cilium", version="1.19.0", cluster_wide=True, cidr_groups=True),
    "cilium-server-names": Capabilities(dialect="cilium", version="1.20.2", server_names=True),
    "clusternetworkpolicy": Capabilities(dialect="clusternetworkpolicy"),
    "clusternetworkpolicy-experimental": Capabilities(dialect="clusternetworkpolicy", domain_names=True),
    "dns-firewall": Capabilities(dialect="dns-firewall"),
    "envoy": Capabilities(dialect="envoy", sources=("10.8.0.0/16",)),
    "gke": Capabilities(dialect="gke"),
    "istio": Capabilities(dialect="istio"),
    "networkpolicy": Capabilities(dialect="networkpolicy"),
    "ovn": Capabilities(dialect="ovn", dns_name_resolver=True),
    "smokescreen": Capabilities(dialect="smokescreen", role="shop-egress"),
    "squid": Capabilities(dialect="squid", sources=("10.8.0.0/16",)),
    "squid-bump": Capabilities(dialect="squid", tls_bump=True),
}


def templates() -> tuple[Template, ...]:
    return (TEMPLATE, GUARDED)


def test_every_dialect_has_a_point():
    assert {point.dialect for point in POINTS.values()} == set(DIALECTS)
