"""Smokescreen: the allowed domains of one client role, in an ACL that is JSON and thereby YAML.

It knows names only, whose ``*.x`` takes any depth, and no ports. A service with ``enforce`` refuses what is not
listed; the same list with ``report`` is its way of staging. A name listed for a service overrides the global
denials.
"""

from collections.abc import Iterator, Sequence

from policy.bundles import Fidelity, canonical_json
from policy.capabilities import Capabilities
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    deep_witness,
    impossible,
    judge_tcp_only,
    judge_workload,
    metadata,
    settle,
    tcp_ports,
    widened,
    worst,
)
from policy.template import Template

DIALECT = "smokescreen"
FILE_NAME = "acl.yaml"


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """The domains of one entry."""
    fidelity = worst(_judge(entry))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [{"domains": _domains(entry.destination)}])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One ConfigMap with one ACL; whoever has no role in it is refused."""
    chosen = [one for one in renderings if one.rules]
    domains = {domain for one in chosen for domain in one.rules[0]["domains"]}
    service = {
        "name": capabilities.role or namespace,
        "project": namespace,
        "action": "report" if capabilities.staged else "enforce",
        "allowed_domains": sorted(domains),
    }
    default = {"name": "default", "project": "sallyport", "action": "enforce", "allowed_domains": []}
    acl = {"version": "v1", "services": [service], "default": default, "global_deny_list": []}
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(
            name=OBJECT_NAME,
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in chosen],
            annotations=_owners(chosen),
        ),
        "data": {FILE_NAME: canonical_json(acl).decode() + "\n"},
    }
    return Assembly((item,), capacity=(bytes_line([item], limit=capabilities.max_object_bytes),))


def _judge(entry: PolicyEntry) -> Iterator[Fidelity]:
    destination = entry.destination
    if not destination.is_name:
        yield impossible("Smokescreen lists names only", destination.canonical)
        return
    yield judge_tcp_only(entry, because="A proxy carries TCP only")
    yield judge_workload(entry, because="Smokescreen tells roles apart, not labels of pods")
    if not any(port.is_every_port for port in tcp_ports(entry.ports)):
        yield widened("Smokescreen knows no ports", f"{destination.base} on any port")
    if destination.kind == "one-level":
        yield widened("A wildcard takes any depth, not one label", deep_witness(destination))


def _domains(destination: Destination) -> list[str]:
    wildcard = [f"*.{destination.base}"] if destination.is_wildcard else []
    apex = [destination.base] if destination.kind == "host" or destination.include_apex else []
    return [*wildcard, *apex]


def _owners(chosen: Sequence[Rendering]) -> dict[str, str]:
    """Which passport stands behind which domain: the ACL itself has no room for it."""
    pairs = sorted(f"{domain}={one.entry.passport}" for one in chosen for domain in one.rules[0]["domains"])
    return {"sallyport.dev/domains": ",".join(pairs)} if pairs else {}


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
