"""``cilium.io/v2`` policies: allow and deny rules over endpoints, where a deny beats every allow."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.simulation.addresses import AddressSet, address_set
from policy.simulation.answers import Direction
from policy.simulation.cilium_selectors import CiliumSelector, EndpointPeer, EntityPeer, endpoint_selector
from policy.simulation.flows import Party
from policy.simulation.manifests import Manifest
from policy.simulation.model import Action, CompiledPolicy, Rule
from policy.simulation.peers import ANYBODY, NOBODY, BlockPeer, NamePeer, NodePeer, OpaquePeer, Peer, peers_of
from policy.simulation.ports import EVERY_PORT, Ports, PortSpec, ports_of
from policy.simulation.profiles import Profile
from policy.simulation.selectors import Labels, Selector, parse_label_selector
from policy.simulation.truth import Truth, every

_OWN_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_ANY = frozenset({"TCP", "UDP", "SCTP"})
_SECTIONS: tuple[tuple[Direction, str, Action], ...] = (
    ("egress", "egress", "allow"),
    ("egress", "egressDeny", "deny"),
    ("ingress", "ingress", "allow"),
    ("ingress", "ingressDeny", "deny"),
)


@dataclass(frozen=True, slots=True)
class CidrGroup:
    labels: Mapping[str, str]
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CiliumContext:
    """What the policies of a cluster refer to."""

    profile: Profile
    cluster_name: str = "default"
    groups: Mapping[str, CidrGroup]


@dataclass(frozen=True, slots=True)
class EndpointSubject:
    """The endpoints that a selector takes; pods on the host network are no endpoints of their own."""

    namespace: str | None
    selector: CiliumSelector

    @property
    def is_of_nodes(self) -> bool:
        return False

    @property
    def pair(self) -> tuple[str, str] | None:
        return self.selector.pair

    def judge(self, party: Party) -> Truth:
        if party.kind not in {"pod", "unlisted"} or party.is_on_host_network:
            return Truth.NO
        if self.namespace is not None and party.namespace is not None and party.namespace != self.namespace:
            return Truth.NO
        placed = Truth.UNKNOWN if self.namespace is not None and party.namespace is None else Truth.YES
        return every((placed, self.selector.judge(party, local=party)))


@dataclass(frozen=True, slots=True)
class HostSubject:
    """Nodes by their labels; whether the host firewall is on is not part of the objects."""

    nodes: Selector
    namespace: None = None
    pair: None = None
    is_of_nodes: bool = True

    def judge(self, party: Party) -> Truth:
        if party.kind != "node" and not party.is_on_host_network:
            return Truth.NO
        labels = Labels(party.node.labels) if party.node else Labels({}, is_complete=False)
        return every((Truth.UNKNOWN, self.nodes.judge(labels)))


def cidr_group_of(manifest: Manifest) -> CidrGroup:
    """The blocks and labels of a CiliumCIDRGroup."""
    return CidrGroup(manifest.labels, tuple(str(block) for block in manifest.spec.get("externalCIDRs") or ()))


def compile_cilium_policy(manifest: Manifest, *, context: CiliumContext) -> Iterator[CompiledPolicy]:
    """One compiled policy for ``spec`` and one for each of ``specs``, named apart by their place."""
    single = manifest.document.get("spec")
    if single:
        yield _compile_spec(single, manifest=manifest, origin=manifest.origin, context=context)
    for index, spec in enumerate(manifest.document.get("specs") or ()):
        yield _compile_spec(spec, manifest=manifest, origin=f"{manifest.origin} specs[{index}]", context=context)


def _compile_spec(
    spec: Mapping[str, Any], *, manifest: Manifest, origin: str, context: CiliumContext
) -> CompiledPolicy:
    namespace = manifest.namespace if manifest.kind == "CiliumNetworkPolicy" else None
    rules: dict[Direction, tuple[Rule, ...]] = {"egress": (), "ingress": ()}
    for direction, section, action in _SECTIONS:
        rules[direction] += tuple(
            Rule(
                index=index,
                section=section,
                action=action,
                peer=_peer(rule, direction=direction, namespace=namespace, context=context),
                ports=_ports(rule),
                note=_note(rule),
            )
            for index, rule in enumerate(spec.get(section) or ())
        )
    return CompiledPolicy(
        origin=origin,
        layer="cilium",
        subject=_subject(spec, namespace=namespace, context=context),
        rules=rules,
        isolates=_isolated(spec, rules, profile=context.profile),
        is_ours=manifest.is_ours,
    )


def _subject(
    spec: Mapping[str, Any], *, namespace: str | None, context: CiliumContext
) -> EndpointSubject | HostSubject:
    if "nodeSelector" in spec:
        return HostSubject(parse_label_selector(spec["nodeSelector"]))
    written = spec.get("endpointSelector") or {}
    if namespace is not None:
        # The agent replaces this label by the policy's own namespace, whatever it says.
        pairs = {key: value for key, value in (written.get("matchLabels") or {}).items() if key != _OWN_NAMESPACE}
        written = {**written, "matchLabels": pairs}
    return EndpointSubject(namespace, CiliumSelector.parse(written, cluster_name=context.cluster_name))


def _isolated(
    spec: Mapping[str, Any], rules: Mapping[Direction, tuple[Rule, ...]], *, profile: Profile
) -> frozenset[Direction]:
    """Any rule of a direction closes it, an empty one and a deny included, unless default-deny is switched off."""
    switches = spec.get("enableDefaultDeny") or {}
    found: set[Direction] = set()
    for direction, written in rules.items():
        switch = switches.get(direction)
        closes = bool(written) if switch is None else bool(switch)
        if closes and (written or profile.empty_default_deny_isolates):
            found.add(direction)
    return frozenset(found)


def _peer(rule: Mapping[str, Any], *, direction: Direction, namespace: str | None, context: CiliumContext) -> Peer:
    """Everybody where no field names anybody, nobody where the one field given is an empty list."""
    prefix = "to" if direction == "egress" else "from"
    given = {
        field: rule[f"{prefix}{field}"]
        for field in ("Endpoints", "CIDR", "CIDRSet", "Entities", "Services", "Groups", "Nodes", "FQDNs", "Requires")
        if rule.get(f"{prefix}{field}") is not None
    }
    if any(len(written) == 0 for written in given.values()):
        return NOBODY
    if not given:
        return ANYBODY if rule.get("toPorts") or rule.get("icmps") else NOBODY
    members = [_member(field, written, namespace=namespace, context=context) for field, written in given.items()]
    return peers_of(members)


def _member(field: str, written: list[Any], *, namespace: str | None, context: CiliumContext) -> Peer:
    if field == "Endpoints":
        selectors = [endpoint_selector(one, namespace=namespace, cluster_name=context.cluster_name) for one in written]
        return peers_of(EndpointPeer(selector) for selector in selectors)
    if field == "CIDR":
        return _blocks(address_set(str(block) for block in written), context=context)
    if field == "CIDRSet":
        return peers_of(_cidr_rule(rule, context=context) for rule in written)
    if field == "Entities":
        return peers_of(EntityPeer(str(entity)) for entity in written)
    if field == "FQDNs":
        return _names(written)
    if field == "Nodes":
        return peers_of(NodePeer(parse_label_selector(one)) for one in written)
    return OpaquePeer(f"what to{field} selects is not part of the objects")


def _names(written: Iterable[Mapping[str, Any]]) -> Peer:
    """Each selector has a name, a pattern or both; one with neither selects nothing."""
    fields = ("matchName", "matchPattern")
    return NamePeer("cilium", tuple((field, str(one[field])) for one in written for field in fields if one.get(field)))


def _cidr_rule(rule: Mapping[str, Any], *, context: CiliumContext) -> Peer:
    holes = [str(hole) for hole in rule.get("except") or ()]
    if rule.get("cidr"):
        return _blocks(address_set([(str(rule["cidr"]), holes)]), context=context)
    if rule.get("cidrGroupRef"):
        name = str(rule["cidrGroupRef"])
        if name not in context.groups:
            return OpaquePeer(f"the CIDR group {name} is not among the objects")
        return _blocks(address_set((block, holes) for block in context.groups[name].blocks), context=context)
    chosen = parse_label_selector(rule.get("cidrGroupSelector"))
    blocks = [
        (block, holes)
        for group in context.groups.values()
        if chosen.judge(Labels(group.labels)) is Truth.YES
        for block in group.blocks
    ]
    return _blocks(address_set(blocks), context=context)


def _blocks(blocks: AddressSet, *, context: CiliumContext) -> Peer:
    profile = context.profile
    return BlockPeer(blocks, pods=profile.cilium_blocks_match_pods, nodes=profile.cilium_blocks_match_nodes)


def _ports(rule: Mapping[str, Any]) -> Ports:
    """No list is every port; an entry of the list without ports opens none."""
    port_rules, icmps = rule.get("toPorts") or (), rule.get("icmps") or ()
    if not port_rules and not icmps:
        return EVERY_PORT
    return ports_of(
        [
            *(
                _port(port, server_names=_texts(one.get("serverNames")))
                for one in port_rules
                for port in one.get("ports") or ()
            ),
            *(_icmp(field) for one in icmps for field in one.get("fields") or ()),
        ]
    )


def _texts(written: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in written or ())


def _port(port: Mapping[str, Any], *, server_names: tuple[str, ...]) -> PortSpec:
    protocol = str(port.get("protocol") or "ANY").upper()
    protocols = _ANY if protocol == "ANY" else frozenset({protocol})
    number = str(port.get("port") or "0")
    if not number.isdigit():
        return PortSpec(protocols, name=number.lower(), server_names=server_names)
    if int(number) == 0:
        return PortSpec(protocols, server_names=server_names)
    last = port.get("endPort") or int(number)
    return PortSpec(protocols, first=int(number), last=int(last), server_names=server_names)


_ICMP_TYPES = {
    "IPv4": {
        "EchoReply": 0,
        "DestinationUnreachable": 3,
        "Redirect": 5,
        "Echo": 8,
        "EchoRequest": 8,
        "RouterAdvertisement": 9,
        "RouterSelection": 10,
        "TimeExceeded": 11,
        "ParameterProblem": 12,
        "Timestamp": 13,
        "TimestampReply": 14,
        "Photuris": 40,
        "ExtendedEchoRequest": 42,
        "ExtendedEchoReply": 43,
    },
    "IPv6": {
        "DestinationUnreachable": 1,
        "PacketTooBig": 2,
        "TimeExceeded": 3,
        "ParameterProblem": 4,
        "EchoRequest": 128,
        "EchoReply": 129,
        "MulticastListenerQuery": 130,
        "MulticastListenerReport": 131,
        "MulticastListenerDone": 132,
        "RouterSolicitation": 133,
        "RouterAdvertisement": 134,
        "NeighborSolicitation": 135,
        "NeighborAdvertisement": 136,
        "RedirectMessage": 137,
        "RouterRenumbering": 138,
        "ExtendedEchoRequest": 160,
        "ExtendedEchoReply": 161,
    },
}


def _icmp(field: Mapping[str, Any]) -> PortSpec:
    family, written = str(field.get("family") or "IPv4"), str(field.get("type", ""))
    number = int(written) if written.isdigit() else _ICMP_TYPES.get(family, {}).get(written, -1)
    return PortSpec(frozenset({"ICMP" if family == "IPv4" else "ICMPv6"}), icmp_type=number)


def _note(rule: Mapping[str, Any]) -> str:
    """What the agent checks beyond addresses and ports, which one packet does not show."""
    kinds = sorted({kind for one in rule.get("toPorts") or () for kind in one.get("rules") or {}})
    return f"its {' and '.join(kinds)} rules narrow what may be said on the connection" if kinds else ""
