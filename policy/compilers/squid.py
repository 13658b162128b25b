"""Squid: one file of ACLs and rules in a ConfigMap, each ACL named after its entry.

``.x`` takes the apex as well, so an ACL of its own excludes the apex; ``*.x`` never matches anything, so one label
is a regular expression. ``-n`` keeps Squid from looking up names for addresses and addresses for names. The first
match wins, and the last rule denies.
"""

from collections.abc import Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    impossible,
    judge_tcp_only,
    judge_workload,
    metadata,
    narrowed,
    settle,
    tcp_ports,
    worst,
)
from policy.template import Template

DIALECT = "squid"
FILE_NAME = "sallyport.conf"
# Room for metadata and for the lines that belong to no entry.
_RESERVED_BYTES = 8_192


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """The lines of one entry, sorted by the section of the file in which they must stand."""
    fidelity = worst(_judge(entry, capabilities=capabilities))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [_lines(entry, capabilities=capabilities)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One ConfigMap with one file; entries beyond its size are refused, since a file cannot be split between maps."""
    budget = capabilities.max_object_bytes - _RESERVED_BYTES
    fitting: list[Rendering] = []
    refused: dict[str, Fidelity] = {}
    used = 0
    for one in renderings:
        # Twice, because the clients' ACL is added to every rule.
        weight = 2 * sum(len(line) + 1 for lines in one.rules for section in lines.values() for line in section)
        if used + weight > budget:
            refused[one.entry.passport] = impossible(
                f"The file may have {capabilities.max_object_bytes} bytes, and is full"
            )
        elif one.rules:
            used += weight
            fitting.append(one)
    text = _file(fitting, capabilities=capabilities, template=template, namespace=namespace)
    item = _config_map(text, passports=[one.entry.passport for one in fitting], template=template, namespace=namespace)
    return Assembly((item,), refused=refused, capacity=(bytes_line([item], limit=capabilities.max_object_bytes),))


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    yield judge_tcp_only(entry, because="A proxy carries TCP only")
    yield judge_workload(entry, because="Squid sees addresses of clients, not labels of pods")
    if not entry.destination.is_name:
        yield narrowed(
            "Only requests that name the address itself are allowed, not names that resolve to it",
            f"a request for a name with an address in {entry.destination.canonical}",
        )
    elif capabilities.tls_bump and any(_takes_tls(port, capabilities=capabilities) for port in tcp_ports(entry.ports)):
        yield narrowed("Tunnels to ports of TLS must begin with TLS", "a tunnel to port 443 without TLS")


def _lines(entry: PolicyEntry, *, capabilities: Capabilities) -> Json:
    """Lines of the sections ``acl``, ``access``, ``splice_unseen`` (before the hello) and ``splice`` (after it)."""
    tag = entry.passport
    conditions = [f"{tag}_dst", *_exclusions(entry.destination, name=f"{tag}_not"), *_port_condition(entry)]
    found: Json = {
        "acl": [f"# {tag} {entry.destination.canonical}", *_acls(entry)],
        "access": [" ".join([*conditions, f"{tag}_note"])],
    }
    if capabilities.tls_bump:
        found["splice_unseen"] = [" ".join([*conditions, "!sallyport_tls"])]
        seen = [] if not entry.destination.is_name else [f"{tag}_sni"]
        unseen = _exclusions(entry.destination, name=f"{tag}_notsni") if entry.destination.is_name else []
        found["acl"] += list(_server_name_acls(entry))
        found["splice"] = [" ".join([*conditions, *seen, *unseen])]
    return found


def _acls(entry: PolicyEntry) -> Iterator[str]:
    tag, destination = entry.passport, entry.destination
    if destination.network is not None:
        yield f"acl {tag}_dst dst -n {canonical_network(destination.network)}"
        if destination.excepts:
            yield f"acl {tag}_not dst -n {' '.join(canonical_network(hole) for hole in destination.excepts)}"
    elif destination.kind == "one-level":
        yield f"acl {tag}_dst dstdom_regex -n -i {_one_level(destination)}"
    else:
        yield f"acl {tag}_dst dstdomain -n {_suffix(destination)}"
        if _exclusions(destination, name=""):
            yield f"acl {tag}_not dstdomain -n {destination.base}"
    if _port_condition(entry):
        yield f"acl {tag}_port port {' '.join(_port(port) for port in tcp_ports(entry.ports))}"
    yield f"acl {tag}_note annotate_transaction passport={tag}"


def _server_name_acls(entry: PolicyEntry) -> Iterator[str]:
    tag, destination = entry.passport, entry.destination
    if not destination.is_name:
        return
    if destination.kind == "one-level":
        yield f"acl {tag}_sni ssl::server_name_regex -i {_one_level(destination)}"
        return
    yield f"acl {tag}_sni ssl::server_name --client-requested {_suffix(destination)}"
    if _exclusions(destination, name=""):
        yield f"acl {tag}_notsni ssl::server_name --client-requested {destination.base}"


def _suffix(destination: Destination) -> str:
    return destination.base if destination.kind == "host" else f".{destination.base}"


def _one_level(destination: Destination) -> str:
    label = r"([^.]+\.)?" if destination.include_apex else r"[^.]+\."
    return f"^{label}{destination.base.replace('.', chr(92) + '.')}$"


def _exclusions(destination: Destination, *, name: str) -> list[str]:
    bare_depth = destination.kind == "any-depth" and not destination.include_apex
    return [f"!{name}"] if bare_depth or destination.excepts else []


def _port_condition(entry: PolicyEntry) -> list[str]:
    every = any(port.is_every_port for port in tcp_ports(entry.ports))
    return [] if every else [f"{entry.passport}_port"]


def _takes_tls(port: PortRange, *, capabilities: Capabilities) -> bool:
    first, last = port.span
    return any(first <= number <= last for number in capabilities.tls_ports)


def _port(port: PortRange) -> str:
    return str(port.first) if port.first == port.last else f"{port.first}-{port.last}"


def _file(chosen: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str) -> str:
    clients = f"ns_{namespace}" if capabilities.sources else "all"
    lines = [f"# sallyport {template.version}, namespace {namespace}: written by the portal, edits are overwritten"]
    if capabilities.sources:
        lines.append(f"acl {clients} src {' '.join(sorted(capabilities.sources))}")
    lines += _section(chosen, "acl")
    lines += [f"http_access allow {clients} {line}" for line in _section(chosen, "access")]
    lines.append(f"http_access deny {clients}")
    if capabilities.tls_bump:
        lines += _bump_lines(chosen, capabilities=capabilities, clients=clients)
    return "\n".join(lines) + "\n"


def _bump_lines(chosen: Sequence[Rendering], *, capabilities: Capabilities, clients: str) -> Iterator[str]:
    """A tunnel on a port of TLS passes only where the server name in its hello is one that the same entry allows."""
    yield "acl sallyport_step1 at_step SslBump1"
    yield f"acl sallyport_tls port {' '.join(str(port) for port in sorted(capabilities.tls_ports))}"
    for line in _section(chosen, "splice_unseen"):
        yield f"ssl_bump splice sallyport_step1 {clients} {line}"
    yield f"ssl_bump peek sallyport_step1 {clients}"
    for line in _section(chosen, "splice"):
        yield f"ssl_bump splice {clients} {line}"
    yield f"ssl_bump terminate {clients}"


def _section(chosen: Sequence[Rendering], name: str) -> list[str]:
    return [line for one in chosen for lines in one.rules for line in lines[name]]


def _config_map(text: str, *, passports: Sequence[str], template: Template, namespace: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(name=OBJECT_NAME, namespace=namespace, template=template, passports=passports),
        "data": {FILE_NAME: text},
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
