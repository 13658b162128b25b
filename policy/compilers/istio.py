"""Istio: a ServiceEntry for each part of an entry and a Sidecar that refuses what the registry does not hold.

This is no boundary of security: a pod that goes around its proxy is not held back, which is why every entry says
so. A host with a wildcard and a port of plain TCP would open that port to any address, so wildcards are carried for
TLS and HTTP only.
"""

from collections.abc import Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.entries import PolicyEntry
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    deep_witness,
    impossible,
    judge_tcp_only,
    judge_workload,
    metadata,
    narrowed,
    settle,
    tcp_ports,
    widened,
    worst,
)
from policy.template import Template

DIALECT = "istio"
MAX_PORTS = 256
MAX_ADDRESSES = 256
NO_BOUNDARY = "Istio is not a security boundary: a pod can go around its proxy"
_HTTP_PORTS = (80, 8080)


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One ServiceEntry for the wildcard and one for an exact name, or one for the networks."""
    judged = worst(_judge(entry, capabilities=capabilities))
    fidelity = Fidelity(judged.verdict, f"{judged.reason}; {NO_BOUNDARY}", judged.witnesses)
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: list(_services(entry, capabilities=capabilities)))


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """The Sidecar of the namespace and the ServiceEntries of its entries, visible in that namespace only."""
    objects = [_sidecar(template=template, namespace=namespace)]
    for one in renderings:
        for position, spec in enumerate(one.rules):
            suffix = one.entry.passport.lower() if position == 0 else f"{one.entry.passport.lower()}-{position + 1}"
            objects.append(
                {
                    "apiVersion": "networking.istio.io/v1",
                    "kind": "ServiceEntry",
                    "metadata": metadata(
                        name=f"{OBJECT_NAME}-{suffix}",
                        namespace=namespace,
                        template=template,
                        passports=[one.entry.passport],
                    ),
                    "spec": spec,
                }
            )
    ports = max((len(spec["ports"]) for one in renderings for spec in one.rules), default=0)
    return Assembly(
        tuple(objects), capacity=(CapacityLine("ports of one entry", ports, MAX_PORTS, "of a ServiceEntry"),)
    )


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    destination = entry.destination
    yield judge_tcp_only(entry, because="A ServiceEntry carries TCP only")
    yield judge_workload(entry, because="A ServiceEntry is seen by the whole namespace")
    count = sum(port.count for port in tcp_ports(entry.ports))
    if count > MAX_PORTS:
        yield impossible(f"A ServiceEntry holds {MAX_PORTS} ports one by one, and this needs {count}")
    if not destination.is_name:
        networks = len(destination.addresses.networks())
        if networks > MAX_ADDRESSES:
            yield impossible(f"A ServiceEntry holds {MAX_ADDRESSES} addresses, and this needs {networks}")
        return
    if "_" in destination.base:
        yield impossible("Istio refuses names with an underscore", destination.canonical)
    if destination.kind == "one-level":
        yield widened("A wildcard of Istio takes any depth, not one label", deep_witness(destination))
    if destination.is_wildcard:
        yield _judge_wildcard_ports(entry, capabilities=capabilities)


def _judge_wildcard_ports(entry: PolicyEntry, *, capabilities: Capabilities) -> Fidelity:
    named = [number for number in _numbers(entry) if _protocol(number, capabilities=capabilities) != "TCP"]
    witness = f"a connection to {entry.destination.canonical} that is neither TLS nor HTTP"
    reason = "Below a wildcard only the name that the client writes in TLS and HTTP is checked, and no address"
    return narrowed(reason, witness) if named else impossible(reason, witness)


def _services(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Json]:
    destination = entry.destination
    if not destination.is_name:
        networks = [canonical_network(network) for network in destination.addresses.networks()]
        ports = [_port(number, "TCP") for number in _numbers(entry)]
        # A host is required; the reserved last label never resolves.
        host = f"{entry.passport.lower()}.sallyport.invalid"
        yield _service([host], ports=ports, resolution="NONE", addresses=networks)
        return
    if destination.is_wildcard:
        chosen = [(number, _protocol(number, capabilities=capabilities)) for number in _numbers(entry)]
        ports = [_port(number, protocol) for number, protocol in chosen if protocol != "TCP"]
        yield _service([f"*.{destination.base}"], ports=ports, resolution="NONE")
    if destination.kind == "host" or destination.include_apex:
        ports = [_port(number, _protocol(number, capabilities=capabilities)) for number in _numbers(entry)]
        yield _service([destination.base], ports=ports, resolution="DNS")


def _service(hosts: list[str], *, ports: list[Json], resolution: str, addresses: Sequence[str] = ()) -> Json:
    found: Json = {
        "hosts": hosts,
        "ports": ports,
        "location": "MESH_EXTERNAL",
        "resolution": resolution,
        # Without it the host would be open to the whole mesh.
        "exportTo": ["."],
    }
    if addresses:
        found["addresses"] = list(addresses)
    return found


def _numbers(entry: PolicyEntry) -> list[int]:
    """The ports one by one, no more than would show that there are too many."""
    numbers: list[int] = []
    for port in tcp_ports(entry.ports):
        first, last = port.span
        numbers.extend(range(first, min(last, first + MAX_PORTS) + 1))
    return sorted(set(numbers))


def _protocol(number: int, *, capabilities: Capabilities) -> str:
    if number in capabilities.tls_ports:
        return "TLS"
    return "HTTP" if number in _HTTP_PORTS else "TCP"


def _port(number: int, protocol: str) -> Json:
    return {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}


def _sidecar(*, template: Template, namespace: str) -> Json:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Sidecar",
        "metadata": metadata(name=OBJECT_NAME, namespace=namespace, template=template),
        "spec": {
            "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
            "egress": [{"hosts": ["./*", "istio-system/*"]}],
        },
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
