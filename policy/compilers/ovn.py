"""k8s.ovn.org/v1 EgressFirewall: one ordered object, ``default``, owns the namespace; what it does not name passes.

It filters traffic that leaves the cluster only, for all pods of the namespace alike; it has no port ranges, no
exceptions, and names of one label more only where the cluster runs the resolver plugin. The two last rules deny
both families.
"""

from collections.abc import Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import (
    EXACT,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    has_icmp,
    impossible,
    is_everything,
    judge_workload,
    metadata,
    narrowed,
    numbered_ports,
    settle,
    worst,
)
from policy.template import DnsAllowance, Template

DIALECT = "ovn"
OBJECT_NAME = "default"
MAX_RULES = 8_000
MAX_PORTS = 1_000
_DENIALS: tuple[Json, ...] = (
    {"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}},
    {"type": "Deny", "to": {"cidrSelector": "::/0"}},
)
_RESERVED_BYTES = 16_384


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """Allow rules for the entry's names or networks."""
    fidelity = worst(_judge(entry, capabilities=capabilities))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: list(_rules(entry)))


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """The one object; entries beyond its limits are refused, since rules beyond them would be ignored in silence."""
    dns = list(_dns_rules(template.dns))
    fitting, refused, needed = _fit(renderings, reserved=len(dns) + len(_DENIALS), capabilities=capabilities)
    rules = [rule for one in fitting for rule in one.rules]
    item = {
        "apiVersion": "k8s.ovn.org/v1",
        "kind": "EgressFirewall",
        "metadata": metadata(
            name=OBJECT_NAME,
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in fitting],
            annotations=_positions(fitting, first=len(dns)),
        ),
        "spec": {"egress": [*dns, *rules, *_DENIALS]},
    }
    lines = (
        CapacityLine("rules", needed, MAX_RULES, "rules beyond it are ignored"),
        bytes_line([item], limit=capabilities.max_object_bytes),
    )
    return Assembly((item,), refused=refused, capacity=lines)


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    yield judge_workload(entry, because="An EgressFirewall concerns every pod of the namespace")
    yield _judge_name(entry.destination, capabilities=capabilities)
    ports = numbered_ports(entry.ports)
    count = sum(port.count for port in ports)
    if count > MAX_PORTS:
        yield impossible(f"There are no port ranges, and {count} ports are too many to write out")
    if has_icmp(entry.ports):
        witness = f"icmp to {entry.destination.canonical}"
        reason = "An EgressFirewall cannot name ICMP"
        yield narrowed(f"{reason}, so only the ports are opened", witness) if ports else impossible(reason, witness)


def _judge_name(destination: Destination, *, capabilities: Capabilities) -> Fidelity:
    if not destination.is_name:
        return EXACT
    if "_" in destination.base:
        return impossible("The server refuses names with an underscore", destination.canonical)
    if not destination.is_wildcard:
        return EXACT
    if not capabilities.dns_name_resolver:
        return impossible(
            "Wildcards need the DNS name resolver, which this cluster does not run", destination.canonical
        )
    if destination.kind == "any-depth":
        deeper = f"a.b.{destination.base}"
        return narrowed("There is no wildcard for any depth, and '*.*.' is refused: one label is opened", deeper)
    return EXACT


def _rules(entry: PolicyEntry) -> Iterator[Json]:
    ports = [] if is_everything(entry.ports) else list(_ports(numbered_ports(entry.ports)))
    for where in _where(entry.destination):
        rule: Json = {"type": "Allow", "to": where}
        if ports:
            rule["ports"] = ports
        yield rule


def _where(destination: Destination) -> Iterator[Json]:
    if not destination.is_name:
        for network in destination.addresses.networks():
            yield {"cidrSelector": canonical_network(network)}
        return
    if destination.is_wildcard:
        yield {"dnsName": f"*.{destination.base}"}
    if destination.kind == "host" or destination.include_apex:
        yield {"dnsName": destination.base}


def _ports(ports: Sequence[PortRange]) -> Iterator[Json]:
    for port in ports:
        first, last = port.span
        for number in range(first, last + 1):
            yield {"protocol": port.protocol, "port": number}


def _dns_rules(dns: DnsAllowance) -> Iterator[Json]:
    """Traffic to DNS pods stays inside the cluster and is not filtered; only addresses outside it need a rule."""
    ports = [{"protocol": protocol, "port": port} for port in sorted(dns.ports) for protocol in ("TCP", "UDP")]
    if ports:
        for address in dns.addresses:
            yield {"type": "Allow", "to": {"cidrSelector": address}, "ports": ports}


def _fit(
    renderings: Sequence[Rendering], *, reserved: int, capabilities: Capabilities
) -> tuple[list[Rendering], dict[str, Fidelity], int]:
    fitting: list[Rendering] = []
    refused: dict[str, Fidelity] = {}
    used = needed = reserved
    size = _RESERVED_BYTES
    for one in renderings:
        weight = sum(len(str(rule)) for rule in one.rules)
        needed += len(one.rules)
        if used + len(one.rules) > MAX_RULES or size + weight > capabilities.max_object_bytes:
            refused[one.entry.passport] = impossible("The one EgressFirewall of the namespace is full")
        elif one.rules:
            used += len(one.rules)
            size += weight
            fitting.append(one)
    return fitting, refused, needed


def _positions(fitting: Sequence[Rendering], *, first: int) -> dict[str, str]:
    """Which rules belong to which passport, by position: a rule itself has no room for a name."""
    position = first
    parts = []
    for one in fitting:
        parts.append(f"{position}-{position + len(one.rules) - 1}={one.entry.passport}")
        position += len(one.rules)
    return {"sallyport.dev/rules": ",".join(parts)} if parts else {}


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
