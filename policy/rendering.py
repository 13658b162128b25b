"""What compilers share: the shape of their answers, the labels of our objects, and reading of an entry's ports."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from policy.bundles import Fidelity, Fragment, Json, canonical_json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.template import Template

OBJECT_NAME = "sallyport-egress"
MANAGED_BY = {"app.kubernetes.io/managed-by": "sallyport"}
PASSPORTS = "sallyport.dev/passports"
EXACT = Fidelity("exact", "The target means exactly what the entry says")


@dataclass(frozen=True, slots=True)
class Rendering:
    """One entry in a dialect: the rules it becomes, and how faithful they are; without rules it is left out."""

    entry: PolicyEntry
    fidelity: Fidelity
    rules: tuple[Json, ...] = ()

    def fragment(self, dialect: str) -> Fragment:
        return Fragment(self.entry.passport, dialect, canonical_json(list(self.rules)).decode())


@dataclass(frozen=True, slots=True)
class Assembly:
    """The objects of a namespace, entries that did not fit after all, and the account of limits."""

    objects: tuple[Json, ...]
    refused: Mapping[str, Fidelity] = field(default_factory=dict)
    capacity: tuple[CapacityLine, ...] = ()


class Render(Interface):
    """Turn one entry into rules; depends on nothing but the entry, the capabilities and the template."""

    def __call__(self, entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering: ...


class Assemble(Interface):
    """Put renderings, given in the order of their passports, into the objects of one namespace."""

    def __call__(
        self, renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
    ) -> Assembly: ...


class Cluster(Interface):
    """The objects of a whole cluster: what the template asks for beside any namespace."""

    def __call__(self, *, capabilities: Capabilities, template: Template) -> tuple[Json, ...]: ...


@dataclass(frozen=True, slots=True)
class Compiler:
    """One target: a name and pure functions; ``cluster`` is there where a target knows guardrails."""

    dialect: str
    render: Render
    assemble: Assemble
    cluster: Cluster | None = None


def impossible(reason: str, *witnesses: str) -> Fidelity:
    return Fidelity("impossible", reason, witnesses)


def narrowed(reason: str, *witnesses: str) -> Fidelity:
    return Fidelity("narrowed", reason, witnesses)


def widened(reason: str, *witnesses: str) -> Fidelity:
    return Fidelity("widened", reason, witnesses)


def settle(entry: PolicyEntry, fidelity: Fidelity, *, dialect: str, rules: Callable[[], Iterable[Json]]) -> Rendering:
    """The rendering of a judged entry: no rules where it is impossible, or wider and not approved to be."""
    if fidelity.verdict == "impossible":
        return Rendering(entry, fidelity)
    if fidelity.verdict == "widened" and dialect not in entry.accepted_widening:
        return Rendering(entry, fidelity)
    return Rendering(entry, fidelity, tuple(rules()))


def worst(fidelities: Iterable[Fidelity]) -> Fidelity:
    """One fidelity for several aspects of an entry; wider beats narrower, because wider is what must be approved."""
    order = ("exact", "narrowed", "widened", "impossible")
    found = [fidelity for fidelity in fidelities if not fidelity.is_exact]
    if not found:
        return EXACT
    verdict = max((fidelity.verdict for fidelity in found), key=order.index)
    reasons = dict.fromkeys(fidelity.reason for fidelity in found)
    witnesses = dict.fromkeys(witness for fidelity in found for witness in fidelity.witnesses)
    return Fidelity(verdict, "; ".join(reasons), tuple(witnesses))


def metadata(
    *,
    name: str,
    template: Template,
    passports: Iterable[str] = (),
    namespace: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Json:
    """The metadata of one of our objects; without a namespace it is an object of the whole cluster."""
    found: Json = {"name": name, "labels": {**MANAGED_BY, "sallyport.dev/template": template.version}}
    if namespace is not None:
        found["namespace"] = namespace
    notes = dict(annotations or {})
    carried = sorted(set(passports))
    if carried:
        notes[PASSPORTS] = ",".join(carried)
    if notes:
        found["annotations"] = notes
    return found


def numbered_ports(ports: Iterable[PortRange]) -> list[PortRange]:
    """The ranges of TCP, UDP and SCTP."""
    return [port for port in ports if port.protocol in ("TCP", "UDP", "SCTP")]


def has_icmp(ports: Iterable[PortRange]) -> bool:
    return any(port.protocol == "ICMP" for port in ports)


def is_everything(ports: Iterable[PortRange]) -> bool:
    return any(port.protocol == "ANY" for port in ports)


def deep_witness(destination: Destination) -> str:
    """A name two labels below the base, which ``*.base`` does not mean."""
    return f"a.b.{destination.base}"


def sized_chunks(items: Iterable[Rendering], *, budget: int) -> Iterator[list[Rendering]]:
    """Consecutive runs whose rules stay within a number of bytes; a single larger item is a run of its own."""
    run: list[Rendering] = []
    size = 0
    for item in items:
        weight = sum(len(canonical_json(rule)) + 1 for rule in item.rules) + len(item.entry.passport) + 1
        if run and size + weight > budget:
            yield run
            run, size = [], 0
        run.append(item)
        size += weight
    if run:
        yield run


def bytes_line(objects: Iterable[Json], *, limit: int) -> CapacityLine:
    largest = max((len(canonical_json(item)) for item in objects), default=0)
    return CapacityLine(
        "bytes of the largest object", largest, limit, "the store of the API server refuses larger ones"
    )


def judge_workload(entry: PolicyEntry, *, because: str) -> Fidelity:
    """For targets that do not see pods: an entry of one workload becomes one of the whole namespace."""
    if entry.workload.is_empty:
        return EXACT
    return widened(because, f"a pod without the labels {entry.workload}")


def judge_tcp_only(entry: PolicyEntry, *, because: str) -> Fidelity:
    """For targets that carry TCP alone."""
    if any(port.protocol in ("TCP", "ANY") for port in entry.ports):
        others = [port for port in entry.ports if port.protocol != "TCP"]
        return narrowed(because, f"{others[0]} to {entry.destination.canonical}") if others else EXACT
    return impossible(because, f"{entry.ports[0]} to {entry.destination.canonical}")


def tcp_ports(ports: Iterable[PortRange]) -> list[PortRange]:
    """The TCP part of some ports; of "any" that is every port of TCP."""
    return [PortRange("TCP", port.first, port.last) for port in ports if port.protocol in ("TCP", "ANY")]


def judge_guardrails(entry: PolicyEntry, *, template: Template) -> Fidelity:
    """For targets that carry the template's denials: what an entry shares with them stays closed."""
    closed = template.guarded
    if not closed or not entry.destination.addresses.overlaps(closed):
        return EXACT
    return narrowed("The guardrails of the template deny a part of it", str(closed.networks()[0]))
