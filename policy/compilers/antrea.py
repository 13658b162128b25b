"""crd.antrea.io/v1beta1 NetworkPolicy: ordered rules with a name and a log label for each entry.

``*`` crosses dots, so ``*.x`` takes any depth. Rules of Antrea come before policies of the standard kind, hence
traffic to pods is passed on to those and the rest is dropped.
"""

from collections.abc import Iterator, Sequence

from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.rendering import (
    EXACT,
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    deep_witness,
    has_icmp,
    impossible,
    is_everything,
    metadata,
    narrowed,
    numbered_ports,
    settle,
    sized_chunks,
    widened,
    worst,
)
from policy.selectors import LabelSelector
from policy.standard_rules import ip_block, port_fields
from policy.template import DnsAllowance, Template

DIALECT = "antrea"
TIER = "application"
MAX_PRIORITY = 10_000
MAX_NAMES = 10_000
_RESERVED_BYTES = 16_384


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One rule for the ports and one for ICMP, where the entry has both."""
    fidelity = worst(_judge(entry))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: list(_rules(entry, capabilities=capabilities)))


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """Policies of rising priority numbers; the last one passes pods on and drops the rest."""
    chosen = [one for one in renderings if one.rules]
    chunks = list(sized_chunks(chosen, budget=capabilities.max_object_bytes - _RESERVED_BYTES)) or [[]]
    objects = []
    for part, chunk in enumerate(chunks):
        leading = list(_dns_rules(template.dns, capabilities=capabilities)) if part == 0 else []
        rules = [*leading, *(rule for one in chunk for rule in one.rules)]
        if part == len(chunks) - 1:
            rules.extend(_last_rules(capabilities=capabilities))
        described = metadata(
            name=OBJECT_NAME if part == 0 else f"{OBJECT_NAME}-part-{part + 1}",
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in chunk],
        )
        objects.append(_policy(rules, part=part, described=described, capabilities=capabilities))
    names = sum(1 for one in chosen if one.entry.destination.is_name)
    lines = (
        CapacityLine("tracked names", names, MAX_NAMES, "the agent forgets the oldest beyond it"),
        bytes_line(objects, limit=capabilities.max_object_bytes),
    )
    return Assembly(tuple(objects), capacity=lines)


def _judge(entry: PolicyEntry) -> Iterator[Fidelity]:
    destination = entry.destination
    if destination.is_name:
        yield _judge_name(destination)
    if not has_icmp(entry.ports):
        return
    witness = f"icmpv6 to {destination.canonical}"
    if destination.network is None:
        yield narrowed("Antrea names ICMP of IPv4 only", witness)
    elif destination.network.version == 6:
        reason = "Antrea names ICMP of IPv4 only"
        yield narrowed(reason, witness) if numbered_ports(entry.ports) else impossible(reason, witness)


def _judge_name(destination: Destination) -> Fidelity:
    if "_" in destination.base:
        return impossible("Antrea refuses names with an underscore", destination.canonical)
    if destination.kind == "one-level":
        return widened("A wildcard of Antrea takes any depth, not one label", deep_witness(destination))
    return EXACT


def _rules(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Json]:
    rule: Json = {
        "action": "Allow",
        "name": entry.passport,
        "appliedTo": _applied_to(entry.workload),
        "to": _peers(entry.destination),
        **_logging(entry.passport, capabilities=capabilities),
    }
    if is_everything(entry.ports):
        yield rule
        return
    ports = numbered_ports(entry.ports)
    if ports:
        yield {**rule, "ports": [port_fields(port) for port in ports]}
    network = entry.destination.network
    if has_icmp(entry.ports) and (network is None or network.version == 4):
        yield {**rule, "name": f"{entry.passport}-icmp", "protocols": [{"icmp": {}}]}


def _peers(destination: Destination) -> list[Json]:
    if not destination.is_name:
        return [{"ipBlock": ip_block(destination)}]
    wildcard = [{"fqdn": f"*.{destination.base}"}] if destination.is_wildcard else []
    apex = [{"fqdn": destination.base}] if destination.kind == "host" or destination.include_apex else []
    return [*wildcard, *apex]


def _applied_to(workload: LabelSelector) -> list[Json]:
    return [{"podSelector": {} if workload.is_empty else {"matchLabels": workload.as_labels()}}]


def _logging(label: str, *, capabilities: Capabilities) -> Json:
    return {"enableLogging": True, "logLabel": label} if capabilities.log else {"enableLogging": False}


def _dns_rules(dns: DnsAllowance, *, capabilities: Capabilities) -> Iterator[Json]:
    ports = [{"protocol": protocol, "port": port} for port in sorted(dns.ports) for protocol in ("TCP", "UDP")]
    if not ports:
        return
    pods = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": dns.namespace}},
        "podSelector": {"matchLabels": dict(dns.pod_labels)},
    }
    yield {
        "action": "Allow",
        "name": "sallyport-dns",
        "appliedTo": [{"podSelector": {}}],
        "to": [pods, *({"ipBlock": {"cidr": address}} for address in dns.addresses)],
        "ports": ports,
        **_logging("sallyport-dns", capabilities=capabilities),
    }


def _last_rules(*, capabilities: Capabilities) -> Iterator[Json]:
    every: Json = {"appliedTo": [{"podSelector": {}}]}
    yield {
        **every,
        "action": "Pass",
        "name": "sallyport-pass-to-pods",
        "to": [{"namespaceSelector": {}}],
        "enableLogging": False,
    }
    logging = _logging("sallyport-deny", capabilities=capabilities)
    yield {**every, "action": "Drop", "name": "sallyport-deny", **logging}


def _policy(rules: list[Json], *, part: int, described: Json, capabilities: Capabilities) -> Json:
    return {
        "apiVersion": "crd.antrea.io/v1beta1",
        "kind": "NetworkPolicy",
        "metadata": described,
        "spec": {
            "tier": capabilities.tier or TIER,
            "priority": min(capabilities.priority + part, MAX_PRIORITY),
            "egress": rules,
        },
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
