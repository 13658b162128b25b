"""The standard template: what every namespace gets beside its entries. Clusters differ only in how DNS is reached."""

from dataclasses import dataclass, replace
from ipaddress import ip_network

from policy.addresses import NO_ADDRESSES, AddressSet
from policy.errors import UnknownTemplate


@dataclass(frozen=True, slots=True)
class DnsAllowance:
    """Where pods of a cluster ask for names; ports are those of the DNS pods, which policies see behind the Service."""

    namespace: str = "kube-system"
    pod_labels: tuple[tuple[str, str], ...] = (("k8s-app", "kube-dns"),)
    ports: tuple[int, ...] = (53,)
    node_local_addresses: tuple[str, ...] = ()
    service_addresses: tuple[str, ...] = ()
    # Where a target reads DNS (Cilium): answer for the names of entries and of the cluster only, so that no data leaves
    # in questions. Search domains of nodes are then refused too, which some resolvers take for a failure.
    only_known_names: bool = False
    cluster_domain: str = "cluster.local"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of the allowance as a single-address network, without duplicates."""
        return tuple(sorted({as_network(address) for address in (*self.node_local_addresses, *self.service_addresses)}))


def as_network(address: str) -> str:
    """``169.254.20.10`` as ``169.254.20.10/32``; what has a prefix stays as it is."""
    if "/" in address:
        return address
    return f"{address}/128" if ":" in address else f"{address}/32"


@dataclass(frozen=True, slots=True)
class Template:
    """One version of the posture: default deny for egress, DNS, and addresses that nobody may ever reach."""

    version: str
    dns: DnsAllowance = DnsAllowance()
    guardrails: tuple[str, ...] = ()

    @property
    def guarded(self) -> AddressSet:
        """The addresses that denials close; a resolver at one of them stays open, since a denial always wins."""
        if not self.guardrails:
            return NO_ADDRESSES
        closed = AddressSet.of(ip_network(text) for text in self.guardrails)
        return closed.minus(AddressSet.of(ip_network(text) for text in self.dns.addresses))


# The metadata services of clouds, for a posture that denies them whatever any other policy says.
METADATA_GUARDRAILS = ("100.100.100.200/32", "169.254.169.254/32", "fd00:ec2::254/128")
TEMPLATE_V1 = Template(version="v1")
_TEMPLATES = {template.version: template for template in (TEMPLATE_V1,)}


def template(version: str, *, dns: DnsAllowance | None = None, guardrails: tuple[str, ...] = ()) -> Template:
    """The template of a version, with the DNS allowance of one cluster and the addresses that it may never reach."""
    try:
        found = _TEMPLATES[version]
    except KeyError:
        raise UnknownTemplate(f"There is no template {version!r}", details={"known": sorted(_TEMPLATES)}) from None
    return replace(found, dns=dns or found.dns, guardrails=guardrails or found.guardrails)
