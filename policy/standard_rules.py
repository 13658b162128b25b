"""Rules in the shape of the standard NetworkPolicy, which several targets take over as it is."""

from collections.abc import Iterable, Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Json
from policy.destinations import Destination
from policy.ports import PortRange
from policy.rendering import OBJECT_NAME, Rendering, is_everything, metadata, numbered_ports, sized_chunks
from policy.selectors import EVERY_POD, LabelSelector
from policy.template import DnsAllowance, Template

# Room for metadata and the DNS rule inside the largest object.
_RESERVED_BYTES = 16_384


def rule_to(peer: Json, *, ports: Sequence[PortRange]) -> Json:
    """A rule for one peer; every port and protocol is said by naming no ports."""
    rule: Json = {"to": [peer]}
    if not is_everything(ports):
        rule["ports"] = [port_fields(port) for port in numbered_ports(ports)]
    return rule


def port_fields(port: PortRange) -> Json:
    """A port with its protocol spelt out, since the server would default it."""
    found: Json = {"protocol": port.protocol}
    if port.first is not None:
        found["port"] = port.first
        if port.last != port.first:
            found["endPort"] = port.last
    return found


def ip_block(destination: Destination) -> Json:
    """The block of a CIDR with its exceptions."""
    if destination.network is None:
        raise ValueError(f"{destination.canonical} has no addresses")
    block: Json = {"cidr": canonical_network(destination.network)}
    if destination.excepts:
        block["except"] = [canonical_network(hole) for hole in destination.excepts]
    return block


def dns_rules(dns: DnsAllowance) -> Iterator[Json]:
    """The rule that lets pods ask for names, over TCP as well as UDP; none where the cluster has no DNS."""
    ports = [{"protocol": protocol, "port": port} for port in sorted(dns.ports) for protocol in ("TCP", "UDP")]
    if ports:
        yield {"to": list(_dns_peers(dns)), "ports": ports}


def _dns_peers(dns: DnsAllowance) -> Iterable[Json]:
    yield {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": dns.namespace}},
        "podSelector": {"matchLabels": dict(dns.pod_labels)},
    }
    # Node-local caches run on the host network, where no pod selector finds them.
    for address in dns.addresses:
        yield {"ipBlock": {"cidr": address}}


def policies(
    renderings: Sequence[Rendering],
    *,
    api_version: str,
    kind: str,
    template: Template,
    namespace: str,
    max_bytes: int,
) -> list[Json]:
    """One policy for all pods with default deny and DNS, and more for each workload selector; split by size."""
    found: list[Json] = []
    for selector in sorted({EVERY_POD, *(one.entry.workload for one in renderings if one.rules)}, key=str):
        chosen = [one for one in renderings if one.rules and one.entry.workload == selector]
        chunks = list(sized_chunks(chosen, budget=max_bytes - _RESERVED_BYTES)) or [[]]
        for part, chunk in enumerate(chunks, start=1):
            leading = list(dns_rules(template.dns)) if selector.is_empty and part == 1 else []
            found.append(
                {
                    "apiVersion": api_version,
                    "kind": kind,
                    "metadata": metadata(
                        name=_name(selector, part=part),
                        namespace=namespace,
                        template=template,
                        passports=[one.entry.passport for one in chunk],
                    ),
                    "spec": _spec(selector, egress=[*leading, *(rule for one in chunk for rule in one.rules)]),
                }
            )
    return found


def _name(selector: LabelSelector, *, part: int) -> str:
    name = OBJECT_NAME if selector.is_empty else f"{OBJECT_NAME}-{selector.digest}"
    return name if part == 1 else f"{name}-part-{part}"


def _spec(selector: LabelSelector, *, egress: list[Json]) -> Json:
    return {
        "podSelector": {} if selector.is_empty else {"matchLabels": selector.as_labels()},
        # Left to the server, policyTypes would become [Ingress, Egress] and close the pods from both sides.
        "policyTypes": ["Egress"],
        "egress": egress,
    }
