"""Envoy: an RBAC filter for the network, one policy named after each entry, and the same as shadow rules for staging.

A name is the server name of TLS, matched exactly or by a linear-time expression, so other protocols to a name are
refused. What no policy names is refused, since the action is ALLOW.
"""

from collections.abc import Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json, canonical_json
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
    judge_tcp_only,
    judge_workload,
    metadata,
    narrowed,
    settle,
    tcp_ports,
    worst,
)
from policy.template import Template

DIALECT = "envoy"
FILE_NAME = "rbac.json"
_TYPE = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC"


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One policy whose name is the passport."""
    fidelity = worst(_judge(entry))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [_policy(entry, capabilities=capabilities)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One ConfigMap with one filter."""
    chosen = [one for one in renderings if one.rules]
    rules = {"action": "ALLOW", "policies": {one.entry.passport: one.rules[0] for one in chosen}}
    key = "shadow_rules" if capabilities.staged else "rules"
    config = {"@type": _TYPE, "stat_prefix": f"sallyport_{namespace}", key: rules}
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(
            name=OBJECT_NAME,
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in chosen],
        ),
        "data": {FILE_NAME: canonical_json({"name": "envoy.filters.network.rbac", "typed_config": config}).decode()},
    }
    return Assembly((item,), capacity=(bytes_line([item], limit=capabilities.max_object_bytes),))


def _judge(entry: PolicyEntry) -> Iterator[Fidelity]:
    yield judge_tcp_only(entry, because="The filter sees TCP only")
    yield judge_workload(entry, because="The proxy serves every pod that reaches it")
    if entry.destination.is_name:
        witness = f"a connection to {entry.destination.canonical} without TLS"
        yield narrowed("A name is seen in TLS only", witness)


def _policy(entry: PolicyEntry, *, capabilities: Capabilities) -> Json:
    conditions = [_where(entry.destination), *_ports(tcp_ports(entry.ports))]
    return {
        "permissions": [{"and_rules": {"rules": conditions}}],
        "principals": [_source(source) for source in sorted(capabilities.sources)] or [{"any": True}],
    }


def _where(destination: Destination) -> Json:
    if destination.network is None:
        return {"requested_server_name": _name(destination)}
    inside = {"destination_ip": _range(canonical_network(destination.network))}
    if not destination.excepts:
        return inside
    outside = [{"not_rule": {"destination_ip": _range(canonical_network(hole))}} for hole in destination.excepts]
    return {"and_rules": {"rules": [inside, *outside]}}


def _name(destination: Destination) -> Json:
    if destination.kind == "host":
        return {"exact": destination.base, "ignore_case": True}
    label = r"[^.]+\." if destination.kind == "one-level" else r".+\."
    optional = f"({label})?" if destination.include_apex else label
    return {"safe_regex": {"regex": f"(?i){optional}{destination.base.replace('.', chr(92) + '.')}"}}


def _ports(ports: Sequence[PortRange]) -> Iterator[Json]:
    if any(port.is_every_port for port in ports):
        return
    # The end of a range is exclusive here.
    ranges = [{"destination_port_range": {"start": port.span[0], "end": port.span[1] + 1}} for port in ports]
    yield ranges[0] if len(ranges) == 1 else {"or_rules": {"rules": ranges}}


def _range(network: str) -> Json:
    prefix, _, length = network.partition("/")
    return {"address_prefix": prefix, "prefix_len": int(length)}


def _source(network: str) -> Json:
    return {"direct_remote_ip": _range(network)}


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
