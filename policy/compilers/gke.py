"""GKE: names in one FQDNNetworkPolicy for each entry, addresses and DNS in policies of the standard kind.

An FQDNNetworkPolicy knows no addresses, ranges, ICMP or SCTP, and holds 50 addresses, so each entry has its own.
Being selected by one closes a pod as a standard policy does, and both kinds add up.
"""

from collections.abc import Iterator, Sequence

from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
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
    impossible,
    is_everything,
    metadata,
    narrowed,
    numbered_ports,
    settle,
    worst,
)
from policy.standard_rules import ip_block, policies, rule_to
from policy.template import Template

DIALECT = "gke"
MAX_ADDRESSES = 50
MAX_UNROLLED_PORTS = 100
UNROLLED_DEPTH = 3


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One egress rule, of the FQDN kind for a name and of the standard kind for a CIDR."""
    fidelity = worst(_judge(entry, capabilities=capabilities))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [_rule(entry)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """The standard policies with default deny, DNS and CIDRs, and an object for each entry with a name."""
    standard = policies(
        [one for one in renderings if not one.entry.destination.is_name],
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        template=template,
        namespace=namespace,
        max_bytes=capabilities.max_object_bytes,
    )
    names = [one for one in renderings if one.rules and one.entry.destination.is_name]
    objects = [*standard, *(_name_policy(one, template=template, namespace=namespace) for one in names)]
    largest = max((_addresses(one.entry, capabilities=capabilities) for one in names), default=0)
    because = f"an FQDNNetworkPolicy; a pattern is counted with {capabilities.addresses_per_name} addresses"
    lines = (
        CapacityLine("addresses of one entry", largest, MAX_ADDRESSES, because),
        bytes_line(objects, limit=capabilities.max_object_bytes),
    )
    return Assembly(tuple(objects), capacity=lines)


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    destination = entry.destination
    protocols = ("TCP", "UDP") if destination.is_name else ("TCP", "UDP", "SCTP")
    yield _judge_protocols(entry, protocols=protocols)
    if not destination.is_name:
        return
    if any(label[0] == "_" or label[-1] == "_" for label in destination.base.split(".")):
        yield impossible("The server refuses this name", destination.canonical)
    if destination.kind == "any-depth":
        deeper = ".".join([*"abcdefgh"[: UNROLLED_DEPTH + 1], destination.base])
        yield narrowed(f"GKE has no wildcard for any depth: {UNROLLED_DEPTH} labels are written out", deeper)
    count = sum(port.count for port in numbered_ports(entry.ports) if not port.is_every_port)
    if count > MAX_UNROLLED_PORTS:
        yield impossible(f"GKE has no port ranges for names, and {count} ports are too many to write out")
    needed = _addresses(entry, capabilities=capabilities)
    if needed > MAX_ADDRESSES:
        yield impossible(f"It may need {needed} addresses, and a policy holds {MAX_ADDRESSES}")


def _judge_protocols(entry: PolicyEntry, *, protocols: Sequence[str]) -> Fidelity:
    if is_everything(entry.ports):
        return EXACT
    others = [port for port in entry.ports if port.protocol not in protocols]
    if not others:
        return EXACT
    reason = f"GKE cannot name {others[0].protocol} here"
    witness = f"{others[0]} to {entry.destination.canonical}"
    return narrowed(reason, witness) if len(others) < len(entry.ports) else impossible(reason, witness)


def _rule(entry: PolicyEntry) -> Json:
    if not entry.destination.is_name:
        return rule_to({"ipBlock": ip_block(entry.destination)}, ports=entry.ports)
    rule: Json = {"matches": _matches(entry.destination)}
    if is_everything(entry.ports):
        rule["ports"] = [{"protocol": "ALL"}]
    else:
        wanted = [port for port in numbered_ports(entry.ports) if port.protocol != "SCTP"]
        rule["ports"] = [fields for port in wanted for fields in _ports(port)]
    return rule


def _matches(destination: Destination) -> list[Json]:
    apex = [{"name": destination.base}] if destination.kind == "host" or destination.include_apex else []
    depth = {"host": 0, "one-level": 1, "any-depth": UNROLLED_DEPTH}[destination.kind]
    return [*apex, *({"pattern": "*." * labels + destination.base} for labels in range(1, depth + 1))]


def _ports(port: PortRange) -> Iterator[Json]:
    if port.is_every_port:
        yield {"protocol": port.protocol}
        return
    first, last = port.span
    for number in range(first, last + 1):
        yield {"protocol": port.protocol, "port": number}


def _addresses(entry: PolicyEntry, *, capabilities: Capabilities) -> int:
    return capabilities.addresses_per_name * len(_matches(entry.destination)[:2])


def _name_policy(one: Rendering, *, template: Template, namespace: str) -> Json:
    workload = one.entry.workload
    return {
        "apiVersion": "networking.gke.io/v1alpha1",
        "kind": "FQDNNetworkPolicy",
        "metadata": metadata(
            name=f"{OBJECT_NAME}-{one.entry.passport.lower()}",
            namespace=namespace,
            template=template,
            passports=[one.entry.passport],
        ),
        "spec": {
            "podSelector": {} if workload.is_empty else {"matchLabels": workload.as_labels()},
            "egress": list(one.rules),
        },
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
