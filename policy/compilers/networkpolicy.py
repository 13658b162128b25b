"""networking.k8s.io/v1 NetworkPolicy: addresses and ports, additive, no names, no deny, no order, no log."""

from collections.abc import Iterable, Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import (
    EXACT,
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    has_icmp,
    impossible,
    is_everything,
    metadata,
    narrowed,
    numbered_ports,
    settle,
    sized_chunks,
)
from policy.selectors import EVERY_POD, LabelSelector
from policy.template import DnsAllowance, Template

DIALECT = "networkpolicy"
# Room for metadata and the DNS rule inside the largest object.
_RESERVED_BYTES = 16_384


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One egress rule for a CIDR; names and ICMP cannot be said."""
    return settle(entry, _judge(entry), dialect=DIALECT, rules=lambda: [_rule(entry)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One policy for all pods with default deny and DNS, and one more for each workload selector."""
    budget = capabilities.max_object_bytes - _RESERVED_BYTES
    objects: list[Json] = []
    for selector in sorted({EVERY_POD, *(one.entry.workload for one in renderings if one.rules)}, key=str):
        chosen = [one for one in renderings if one.rules and one.entry.workload == selector]
        chunks = list(sized_chunks(chosen, budget=budget)) or [[]]
        objects.extend(
            _policy(chunk, part=part, selector=selector, template=template, namespace=namespace)
            for part, chunk in enumerate(chunks, start=1)
        )
    return Assembly(tuple(objects), capacity=(bytes_line(objects, limit=capabilities.max_object_bytes),))


def _judge(entry: PolicyEntry) -> Fidelity:
    destination = entry.destination
    if destination.is_name:
        reason = "NetworkPolicy knows addresses only: a name needs another target or a proxy"
        return impossible(reason, destination.canonical)
    if not has_icmp(entry.ports):
        return EXACT
    if not numbered_ports(entry.ports):
        return impossible("NetworkPolicy cannot name ICMP", f"icmp to {destination.network}")
    return narrowed("NetworkPolicy cannot name ICMP, so only the ports are opened", f"icmp to {destination.network}")


def _rule(entry: PolicyEntry) -> Json:
    rule: Json = {"to": [{"ipBlock": _block(entry.destination)}]}
    if not is_everything(entry.ports):
        rule["ports"] = [_port(port) for port in numbered_ports(entry.ports)]
    return rule


def _block(destination: Destination) -> Json:
    if destination.network is None:
        raise ValueError(f"{destination.canonical} has no addresses")
    block: Json = {"cidr": canonical_network(destination.network)}
    if destination.excepts:
        block["except"] = [canonical_network(hole) for hole in destination.excepts]
    return block


def _port(port: PortRange) -> Json:
    found: Json = {"protocol": port.protocol}
    if port.first is not None:
        found["port"] = port.first
        if port.last != port.first:
            found["endPort"] = port.last
    return found


def _policy(
    chunk: Sequence[Rendering], *, part: int, selector: LabelSelector, template: Template, namespace: str
) -> Json:
    name = OBJECT_NAME if selector.is_empty else f"{OBJECT_NAME}-{selector.digest}"
    egress = [rule for one in chunk for rule in one.rules]
    if selector.is_empty and part == 1:
        egress = [*_dns_rules(template.dns), *egress]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(
            name=name if part == 1 else f"{name}-part-{part}",
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in chunk],
        ),
        "spec": {
            "podSelector": {} if selector.is_empty else {"matchLabels": selector.as_labels()},
            # Left to the server, policyTypes would become [Ingress, Egress] and close the pods from both sides.
            "policyTypes": ["Egress"],
            "egress": egress,
        },
    }


def _dns_rules(dns: DnsAllowance) -> Iterator[Json]:
    ports = [{"protocol": protocol, "port": port} for port in sorted(dns.ports) for protocol in ("TCP", "UDP")]
    if not ports:
        return
    yield {"to": list(_dns_peers(dns)), "ports": ports}


def _dns_peers(dns: DnsAllowance) -> Iterable[Json]:
    yield {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": dns.namespace}},
        "podSelector": {"matchLabels": dict(dns.pod_labels)},
    }
    # Node-local caches run on the host network, where no pod selector finds them.
    for address in dns.addresses:
        yield {"ipBlock": {"cidr": address}}


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
