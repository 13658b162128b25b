"""What one enforcement point can do: its dialect, its version and the switches that its operators have set."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from policy.errors import InvalidCapabilities

MAX_OBJECT_BYTES = 1_000_000
MAX_VERSION_TEXT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Facts about one enforcement point; every default is the one that allows least.

    ``version`` is that of the product that enforces, not of its CRDs; unknown means the oldest that is supported.
    The switches after it are read by the dialects named beside them.
    """

    dialect: str
    version: str | None = None
    max_object_bytes: int = MAX_OBJECT_BYTES
    log: bool = (
        False  # calico, clusternetworkpolicy on OVN, antrea, ovn, aws-nfw: write the target's own logging switch
    )
    ipv6: bool = True  # a final deny covers both families where the target can hold both

    server_names: bool = False  # cilium: check the TLS server name on the ports of TLS as well
    cidr_groups: bool = False  # cilium: put networks into CiliumCIDRGroup objects
    cluster_wide: bool = False  # cilium: write CiliumClusterwideNetworkPolicy, which teams cannot edit
    policy_map_entries: int = 16_384  # cilium: bpf-policy-map-max
    addresses_per_name: int = 16  # cilium, gke: how many addresses a name is counted with
    tls_ports: tuple[int, ...] = (443,)

    edition: Literal["open-source", "enterprise"] = "open-source"  # calico
    inline_dns: bool = False  # calico enterprise: DNS policy mode Inline, prefix wildcards only
    staged: bool = False  # calico, smokescreen, aws-nfw, dns-firewall: write the form that reports but does not enforce
    tier: str = ""  # antrea, calico: a tier of one's own for the entries; empty means "application", "default"
    network_sets: bool = False  # calico: put networks into NetworkSet objects

    domain_names: bool = (
        False  # clusternetworkpolicy, adminnetworkpolicy: experimental channel and a CNI that acts on it
    )
    priority: int = 500  # clusternetworkpolicy, adminnetworkpolicy, antrea: the first priority of the namespace

    dns_name_resolver: bool = False  # ovn: the CoreDNS plugin that wildcards need
    node_mode: Literal["auto", "ec2"] = "ec2"  # aws-networkpolicy: names work on EKS Auto Mode nodes only

    sources: tuple[str, ...] = ()  # squid, aws-nfw, dns-firewall, smokescreen, envoy: the networks of the clients
    role: str = ""  # smokescreen: the name in the client's certificate
    tls_bump: bool = False  # squid: built with OpenSSL and bumping, so the TLS server name can be checked
    rules_per_group: int = 60  # aws-security-group: quota of rules for each direction and family
    groups_per_interface: int = 5  # aws-security-group
    prefix_list_size: int = 1_000  # aws-security-group, aws-routes: MaxEntries of a new list
    rule_group_capacity: int = 30_000  # aws-nfw: chosen at creation, can never change
    rule_style: Literal["suricata", "domain-list"] = "suricata"  # aws-nfw
    route_target: str = ""  # aws-routes: the transit gateway or endpoint that routes point to

    def at_least(self, version: str) -> bool:
        """Whether the enforcement point is known to run this version or a later one."""
        if self.version is None:
            return False
        return _numbers(self.version) >= _numbers(version)

    def older_than(self, version: str) -> bool:
        """Whether the enforcement point is known to run an earlier version; unknown is not known to be earlier."""
        return self.version is not None and not self.at_least(version)


@lru_cache(maxsize=1_024)
def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of ``v1.19.3-rc.1``; a pre-release of 1.20 does not count as 1.20."""
    if len(version) > MAX_VERSION_TEXT:
        raise InvalidCapabilities("The version is too long")
    plain, dash, _ = version.removeprefix("v").partition("-")
    parts = plain.partition("+")[0].split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise InvalidCapabilities(f"{version!r} is no version")
    numbers = [int(part) for part in parts] + [0] * (3 - len(parts))
    if dash and "rc" in version:
        return (*numbers, -1)
    return (*numbers, 0)
