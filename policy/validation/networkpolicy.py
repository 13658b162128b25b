"""``networking.k8s.io/v1`` NetworkPolicy, and the parts of it that other kinds repeat."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.kinds import Key, Kind, kind
from policy.validation.schema import Items, Object, Problem, Shape, Text, Whole, WholeOrText, below
from policy.validation.selectors import LABEL_SELECTOR
from policy.validation.texts import MAXIMUM_PORT, cidr, is_strictly_inside, loose_cidr, port_name, read_network

PROTOCOLS = ("TCP", "UDP", "SCTP")
POLICY_TYPES = ("Ingress", "Egress")
PORT_NUMBER = Whole(minimum=1, maximum=MAXIMUM_PORT)


def check_port_range(port: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """``endPort`` needs a number as ``port`` and is not below it."""
    end, first = port.get("endPort"), port.get("port")
    if end is None:
        return
    if first is None:
        yield below(path, "endPort"), "may not be given without a port"
    elif isinstance(first, str):
        yield below(path, "endPort"), "may not be given when the port is a name"
    elif end < first:
        yield below(path, "endPort"), f"must be at least the port, {first}"


def _check_excepts(block: Mapping[str, Any], path: str) -> Iterator[Problem]:
    whole = read_network(block["cidr"], host_bits=True)
    for number, text in enumerate(block.get("except") or []):
        if not is_strictly_inside(read_network(text, host_bits=True), whole):
            yield f"{below(path, 'except')}[{number}]", f"{text!r} must be a strict subset of {block['cidr']}"


def ip_block(*, host_bits: bool = False) -> Object:
    """A block of addresses with exceptions, each a smaller part of it; some servers take host bits."""
    text = Text(check=loose_cidr if host_bits else cidr)
    return Object({"cidr": text, "except": Items(text)}, required=("cidr",), check=_check_excepts)


PORT = Object(
    {
        "protocol": Text(choices=PROTOCOLS),
        "port": WholeOrText(PORT_NUMBER, Text(check=port_name)),
        "endPort": PORT_NUMBER,
    },
    check=check_port_range,
)


def check_peer(peer: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """A peer says something, and an ``ipBlock`` stands alone."""
    given = [key for key, value in peer.items() if value is not None]
    if not given:
        yield path, "must specify a peer"
    elif "ipBlock" in given and len(given) > 1:
        yield path, "may not specify both ipBlock and another peer"


def peer(**others: Shape) -> Object:
    """The shape of a peer, with the fields that another kind adds."""
    fields: dict[str, Shape] = {
        "ipBlock": ip_block(),
        "podSelector": LABEL_SELECTOR,
        "namespaceSelector": LABEL_SELECTOR,
    }
    return Object(fields | others, check=check_peer)


def policy_spec(
    *,
    egress_peer: Shape,
    policy_types: Shape,
    others: Mapping[str, Shape] | None = None,
    required: tuple[str, ...] = (),
) -> Object:
    """The shape of ``spec`` of every kind that is made like NetworkPolicy."""
    ingress = Object({"from": Items(peer()), "ports": Items(PORT)})
    egress = Object({"to": Items(egress_peer), "ports": Items(PORT)})
    fields: dict[str, Shape] = {
        "podSelector": LABEL_SELECTOR,
        "policyTypes": policy_types,
        "ingress": Items(ingress),
        "egress": Items(egress),
    }
    return Object(fields | dict(others or {}), required=required)


_SPEC = policy_spec(egress_peer=peer(), policy_types=Items(Text(choices=POLICY_TYPES), maximum=2))

KINDS: Mapping[Key, Kind] = {
    ("networking.k8s.io/v1", "NetworkPolicy"): kind(_SPEC, is_namespaced=True, is_spec_required=False),
}
