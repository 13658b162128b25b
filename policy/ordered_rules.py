"""Rules of the admin kinds: accept the entries, pass what stays inside the cluster, deny the rest, in that order.

Such objects belong to the whole cluster and hold few rules, so the rules of a namespace are spread over several
objects whose priorities follow each other. The final denial has the last of these priorities. Networks match pods
as well, which is why traffic to pods is passed on to the policies of the namespaces before it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from policy.addresses import canonical_network
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
    Rendering,
    bytes_line,
    deep_witness,
    has_icmp,
    impossible,
    is_everything,
    metadata,
    narrowed,
    numbered_ports,
    widened,
)
from policy.selectors import EVERY_POD, LabelSelector
from policy.template import Template

Item = TypeVar("Item")

MAX_PRIORITY = 1_000
MAX_PER_PEER = 25
MAX_RULE_NAME = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """How one of the admin kinds writes itself, and how much it holds."""

    api_version: str
    kind: str
    allow: str
    tier: str | None
    max_rules: int
    max_peers: int
    max_ports: int
    ports_field: str
    port: Callable[[PortRange], Json]


def judge(entry: PolicyEntry, *, capabilities: Capabilities, shape: Shape) -> Iterator[Fidelity]:
    """What these kinds cannot say of an entry."""
    yield _judge_name(entry.destination, capabilities=capabilities)
    if has_icmp(entry.ports):
        witness = f"icmp to {entry.destination.canonical}"
        rest = numbered_ports(entry.ports)
        reason = f"{shape.kind} cannot name ICMP"
        yield narrowed(f"{reason}, so only the ports are opened", witness) if rest else impossible(reason, witness)
    needed = len(list(rules(entry, shape=shape)))
    if needed > shape.max_rules:
        yield impossible(f"It needs {needed} rules, and one object holds {shape.max_rules}")


def _judge_name(destination: Destination, *, capabilities: Capabilities) -> Fidelity:
    if not destination.is_name:
        return EXACT
    if not capabilities.domain_names:
        return impossible("The installed kind or its implementation knows no names", destination.canonical)
    if "." not in destination.base or any(label.endswith("_") for label in destination.base.split(".")):
        return impossible("The server refuses this name", destination.canonical)
    if destination.kind == "one-level":
        return widened("A wildcard of this kind takes any depth, not one label", deep_witness(destination))
    return EXACT


def rules(entry: PolicyEntry, *, shape: Shape) -> Iterator[Json]:
    """The rules of one entry, each within the limits of the kind."""
    name = f"{entry.passport} {entry.destination.canonical}"[:MAX_RULE_NAME]
    ports = [] if is_everything(entry.ports) else [shape.port(port) for port in numbered_ports(entry.ports)]
    for peers in _chunks(_peers(entry.destination), shape.max_peers):
        for some in _chunks(ports, shape.max_ports) or [[]]:
            rule: Json = {"name": name, "action": shape.allow, "to": peers}
            if some:
                rule[shape.ports_field] = some
            yield rule


def assemble(
    renderings: Sequence[Rendering],
    *,
    shape: Shape,
    capabilities: Capabilities,
    template: Template,
    namespace: str,
) -> Assembly:
    """Objects of entries in the order of their priorities, and one that passes pods on and denies the rest."""
    room = MAX_PRIORITY - capabilities.priority
    groups = list(_groups(renderings, shape=shape, leading=len(_dns_rules(template, shape=shape))))
    refused = {
        one.entry.passport: impossible("There are no priorities left for another object")
        for _, chunk in groups[room:]
        for one in chunk
    }
    build = _Builder(shape=shape, capabilities=capabilities, template=template, namespace=namespace)
    objects = [
        build.entries(chunk, selector=selector, part=part) for part, (selector, chunk) in enumerate(groups[:room])
    ]
    objects.append(build.denial(part=len(objects)))
    lines = (
        CapacityLine("objects of consecutive priorities", len(groups) + 1, room + 1, "priorities end at 1000"),
        bytes_line(objects, limit=capabilities.max_object_bytes),
    )
    return Assembly(tuple(objects), refused=refused, capacity=lines)


def _groups(
    renderings: Sequence[Rendering], *, shape: Shape, leading: int
) -> Iterator[tuple[LabelSelector, list[Rendering]]]:
    """Entries of one selector, as many as an object holds; the first object of all pods also holds the DNS rules."""
    for selector in sorted({EVERY_POD, *(one.entry.workload for one in renderings if one.rules)}, key=str):
        chunk: list[Rendering] = []
        used = leading if selector.is_empty else 0
        for one in renderings:
            if not one.rules or one.entry.workload != selector:
                continue
            if used + len(one.rules) > shape.max_rules:
                yield selector, chunk
                chunk, used = [], 0
            chunk.append(one)
            used += len(one.rules)
        yield selector, chunk


@dataclass(frozen=True, slots=True)
class _Builder:
    shape: Shape
    capabilities: Capabilities
    template: Template
    namespace: str

    def entries(self, chunk: Sequence[Rendering], *, selector: LabelSelector, part: int) -> Json:
        egress = [rule for one in chunk for rule in one.rules]
        if part == 0:
            egress = [*_dns_rules(self.template, shape=self.shape), *egress]
        return self._object(f"{part}", selector, egress, part, [one.entry.passport for one in chunk])

    def denial(self, *, part: int) -> Json:
        egress: list[Json] = [
            {"name": "sallyport pass to pods", "action": "Pass", "to": [{"namespaces": {}}]},
            {"name": "sallyport deny the rest", "action": "Deny", "to": [{"networks": ["0.0.0.0/0", "::/0"]}]},
        ]
        return self._object("deny", EVERY_POD, egress, part, [])

    def _object(
        self, suffix: str, selector: LabelSelector, egress: list[Json], part: int, passports: Sequence[str]
    ) -> Json:
        spec: Json = {
            "priority": self.capabilities.priority + part,
            "subject": _subject(selector, namespace=self.namespace),
            "egress": egress,
        }
        if self.shape.tier is not None:
            spec["tier"] = self.shape.tier
        logging = {"k8s.ovn.org/acl-logging": '{"allow":"info","deny":"warning"}'} if self.capabilities.log else {}
        return {
            "apiVersion": self.shape.api_version,
            "kind": self.shape.kind,
            "metadata": metadata(
                name=f"{OBJECT_NAME}-{self.namespace}-{suffix}",
                template=self.template,
                passports=passports,
                annotations=logging,
            ),
            "spec": spec,
        }


def _subject(selector: LabelSelector, *, namespace: str) -> Json:
    own = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    if selector.is_empty:
        return {"namespaces": own}
    return {"pods": {"namespaceSelector": own, "podSelector": {"matchLabels": selector.as_labels()}}}


def _dns_rules(template: Template, *, shape: Shape) -> list[Json]:
    dns = template.dns
    ports = [shape.port(PortRange(protocol, port, port)) for port in sorted(dns.ports) for protocol in ("TCP", "UDP")]
    if not ports:
        return []
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": dns.namespace}}
    pods = {"namespaceSelector": namespace, "podSelector": {"matchLabels": dict(dns.pod_labels)}}
    peers: list[Json] = [{"pods": pods}, *({"networks": some} for some in _chunks(list(dns.addresses), MAX_PER_PEER))]
    name = f"sallyport {template.version} dns"
    return [
        {"name": name, "action": shape.allow, "to": peers, shape.ports_field: some}
        for some in _chunks(ports, shape.max_ports)
    ]


def _peers(destination: Destination) -> list[Json]:
    if destination.is_name:
        return [{"domainNames": _domains(destination)}]
    # There are no exceptions here: what remains is written out.
    networks = [canonical_network(network) for network in destination.addresses.networks()]
    return [{"networks": some} for some in _chunks(networks, MAX_PER_PEER)]


def _domains(destination: Destination) -> list[str]:
    wildcard = [f"*.{destination.base}"] if destination.is_wildcard else []
    apex = [destination.base] if destination.kind == "host" or destination.include_apex else []
    return [*wildcard, *apex]


def _chunks(items: Sequence[Item], size: int) -> list[list[Item]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
