"""Routes as a guardrail: only networks of entries are routed out, the rest falls into a black hole.

Routes know networks and nothing else. They hold back what other layers let through by mistake and are no allowlist of
their own, so an entry with ports is wider here and has to be accepted as such.
"""

from collections.abc import Iterator, Sequence

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import minimal_destinations
from policy.entries import PolicyEntry
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    impossible,
    is_everything,
    judge_workload,
    metadata,
    settle,
    widened,
    worst,
)
from policy.template import Template

DIALECT = "aws-routes"
API_VERSION = "sallyport.dev/v1"
MAX_ROUTES = 10_000
_REST = ("0.0.0.0/0", "::/0")


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """The networks of one entry."""
    fidelity = worst(_judge(entry, capabilities=capabilities))
    networks = entry.destination.addresses.networks()
    rule = {"networks": [canonical_network(network) for network in networks]}
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [rule])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One table: the fewest routes that reach every entry, and black holes for both families."""
    chosen: list[Rendering] = []
    refused: dict[str, Fidelity] = {}
    for one in (one for one in renderings if one.rules):
        if len(_networks([*chosen, one])) + len(_REST) > MAX_ROUTES:
            refused[one.entry.passport] = impossible(f"A table holds {MAX_ROUTES} routes, and is full")
        else:
            chosen.append(one)
    routes: list[Json] = [
        {"DestinationCidrBlock": network, "TransitGatewayAttachmentId": capabilities.route_target}
        for network in _networks(chosen)
    ]
    present = {route["DestinationCidrBlock"] for route in routes}
    routes.extend({"DestinationCidrBlock": rest, "Blackhole": True} for rest in _REST if rest not in present)
    item = {
        "apiVersion": API_VERSION,
        "kind": "TransitGatewayRoutes",
        "metadata": metadata(
            name=OBJECT_NAME,
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in chosen],
        ),
        "spec": {"routes": routes},
    }
    account = CapacityLine("routes of the table", len(_networks(renderings)) + len(_REST), MAX_ROUTES, "quota")
    return Assembly((item,), refused=refused, capacity=(account,))


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    destination = entry.destination
    if destination.is_name:
        yield impossible("Routes know networks only", destination.canonical)
        return
    if not capabilities.route_target:
        yield impossible("The enforcement point names no target for its routes")
    yield judge_workload(entry, because="Routes concern the whole network")
    if not is_everything(entry.ports):
        yield widened("Routes know no ports", f"any port of {destination.network}")


def _networks(renderings: Sequence[Rendering]) -> list[str]:
    destinations = [one.entry.destination for one in renderings if one.rules]
    return [one.canonical for one in minimal_destinations(destinations)]


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
