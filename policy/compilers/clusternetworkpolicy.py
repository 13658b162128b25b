"""policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy, tier Admin.

At most 25 rules of 25 peers in an object, a range of ports must have two ends, and names are part of the experimental
channel only. "Allow" is called Accept here.
"""

from collections.abc import Sequence

from policy import ordered_rules
from policy.bundles import Json
from policy.capabilities import Capabilities
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import Assembly, Compiler, Rendering, settle, worst
from policy.template import Template

DIALECT = "clusternetworkpolicy"


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """The rules of one entry, whose name begins with the passport."""
    fidelity = worst(ordered_rules.judge(entry, capabilities=capabilities, shape=SHAPE))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: ordered_rules.rules(entry, shape=SHAPE))


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """Objects of the whole cluster that concern one namespace."""
    return ordered_rules.assemble(
        renderings, shape=SHAPE, capabilities=capabilities, template=template, namespace=namespace
    )


def _port(port: PortRange) -> Json:
    first, last = port.span
    where = {"number": first} if first == last else {"range": {"start": first, "end": last}}
    return {port.protocol.lower(): {"destinationPort": where}}


SHAPE = ordered_rules.Shape(
    api_version="policy.networking.k8s.io/v1alpha2",
    kind="ClusterNetworkPolicy",
    allow="Accept",
    tier="Admin",
    max_rules=25,
    max_peers=25,
    max_ports=25,
    ports_field="protocols",
    port=_port,
)

COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
