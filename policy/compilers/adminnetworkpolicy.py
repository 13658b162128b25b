"""policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy, the last form before ClusterNetworkPolicy took its place.

At most 100 rules of 100 peers and 100 ports; names are part of the experimental channel only.
"""

from collections.abc import Sequence

from policy import ordered_rules
from policy.bundles import Json
from policy.capabilities import Capabilities
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import Assembly, Compiler, Rendering, settle, worst
from policy.template import Template

DIALECT = "adminnetworkpolicy"


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
    if first == last:
        return {"portNumber": {"protocol": port.protocol, "port": first}}
    return {"portRange": {"protocol": port.protocol, "start": first, "end": last}}


SHAPE = ordered_rules.Shape(
    api_version="policy.networking.k8s.io/v1alpha1",
    kind="AdminNetworkPolicy",
    allow="Allow",
    tier=None,
    max_rules=100,
    max_peers=100,
    max_ports=100,
    ports_field="ports",
    port=_port,
)

COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
