"""networking.k8s.io/v1 NetworkPolicy: addresses and ports, additive, no names, no deny, no order, no log."""

from collections.abc import Sequence

from policy.bundles import Fidelity
from policy.capabilities import Capabilities
from policy.entries import PolicyEntry
from policy.rendering import (
    EXACT,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    has_icmp,
    impossible,
    narrowed,
    numbered_ports,
    settle,
)
from policy.standard_rules import ip_block, policies, rule_to
from policy.template import Template

DIALECT = "networkpolicy"


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One egress rule for a CIDR; names and ICMP cannot be said."""
    return settle(
        entry,
        _judge(entry),
        dialect=DIALECT,
        rules=lambda: [rule_to({"ipBlock": ip_block(entry.destination)}, ports=entry.ports)],
    )


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One policy for all pods with default deny and DNS, and one more for each workload selector."""
    objects = policies(
        renderings,
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        template=template,
        namespace=namespace,
        max_bytes=capabilities.max_object_bytes,
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


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
