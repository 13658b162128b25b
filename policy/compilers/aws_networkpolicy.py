"""networking.k8s.aws/v1alpha1 ApplicationNetworkPolicy: the standard kind with names, whose wildcard takes any depth.

It is in effect on nodes of EKS Auto Mode only, where DNS answers on the node itself: the template of such a cluster
names the resolver's address, since no pod selector finds it.
"""

from collections.abc import Iterator, Sequence

from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.rendering import (
    EXACT,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    deep_witness,
    has_icmp,
    impossible,
    narrowed,
    numbered_ports,
    settle,
    widened,
    worst,
)
from policy.standard_rules import ip_block, policies, rule_to
from policy.template import Template

DIALECT = "aws-networkpolicy"


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One egress rule for a name or a CIDR."""
    fidelity = worst(_judge(entry, capabilities=capabilities))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [rule_to(_peer(entry), ports=entry.ports)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One policy for all pods with default deny and DNS, and one more for each workload selector."""
    objects = policies(
        renderings,
        api_version="networking.k8s.aws/v1alpha1",
        kind="ApplicationNetworkPolicy",
        template=template,
        namespace=namespace,
        max_bytes=capabilities.max_object_bytes,
    )
    return Assembly(tuple(objects), capacity=(bytes_line(objects, limit=capabilities.max_object_bytes),))


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    destination = entry.destination
    if capabilities.node_mode != "auto":
        yield impossible("ApplicationNetworkPolicy has no effect on nodes outside EKS Auto Mode", destination.canonical)
    if destination.is_name:
        yield _judge_name(destination)
    if has_icmp(entry.ports):
        witness = f"icmp to {destination.canonical}"
        reason = "ApplicationNetworkPolicy cannot name ICMP"
        rest = numbered_ports(entry.ports)
        yield narrowed(f"{reason}, so only the ports are opened", witness) if rest else impossible(reason, witness)


def _judge_name(destination: Destination) -> Fidelity:
    if "." not in destination.base or any(label.endswith("_") for label in destination.base.split(".")):
        return impossible("The server refuses this name", destination.canonical)
    if destination.kind == "one-level":
        return widened("A wildcard of this kind takes any depth, not one label", deep_witness(destination))
    return EXACT


def _peer(entry: PolicyEntry) -> Json:
    destination = entry.destination
    if not destination.is_name:
        return {"ipBlock": ip_block(destination)}
    wildcard = [f"*.{destination.base}"] if destination.is_wildcard else []
    apex = [destination.base] if destination.kind == "host" or destination.include_apex else []
    return {"domainNames": [*wildcard, *apex]}


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
