"""``networking.k8s.io/v1`` NetworkPolicy: allow rules only, added up, over pods that they isolate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.simulation.addresses import address_set
from policy.simulation.answers import Direction
from policy.simulation.flows import Party
from policy.simulation.manifests import Manifest
from policy.simulation.model import CompiledPolicy, Rule
from policy.simulation.peers import ANYBODY, BlockPeer, NamePeer, Peer, PodPeer, peers_of
from policy.simulation.ports import EVERY_PORT, Ports, PortSpec, ports_of
from policy.simulation.profiles import Profile
from policy.simulation.selectors import Selector, parse_label_selector
from policy.simulation.truth import Truth, every

_SECTIONS: tuple[tuple[Direction, str], ...] = (("egress", "to"), ("ingress", "from"))


@dataclass(frozen=True, slots=True)
class NamespacedSubject:
    """The pods of one namespace that a selector takes."""

    namespace: str
    pods: Selector
    profile: Profile

    @property
    def is_of_nodes(self) -> bool:
        return False

    @property
    def pair(self) -> tuple[str, str] | None:
        return self.pods.pair

    def judge(self, party: Party) -> Truth:
        if party.kind not in {"pod", "unlisted"}:
            return Truth.NO
        if party.namespace is None:
            return Truth.UNKNOWN
        if party.namespace != self.namespace:
            return Truth.NO
        seen = self.profile.host_network_is_selected if party.is_on_host_network else Truth.YES
        return every((seen, self.pods.judge(party.labels)))


def compile_network_policy(manifest: Manifest, *, profile: Profile) -> CompiledPolicy:
    """The policy with its types as the API defaults them, plus what the profile enforces beyond them."""
    spec = manifest.spec
    isolated = _effective_types(spec, profile=profile)
    rules: dict[Direction, tuple[Rule, ...]] = {}
    for direction, peer_field in _SECTIONS:
        written = spec.get(direction) or () if direction in isolated else ()
        rules[direction] = tuple(
            Rule(
                index=index,
                section=direction,
                action="allow",
                peer=_peer(rule.get(peer_field), namespace=manifest.namespace, profile=profile),
                ports=_ports(rule.get("ports")),
            )
            for index, rule in enumerate(written)
        )
    return CompiledPolicy(
        origin=manifest.origin,
        layer="network",
        subject=NamespacedSubject(manifest.namespace, parse_label_selector(spec.get("podSelector")), profile),
        rules=rules,
        isolates=isolated,
        applies_to=isolated,
        order=1000.0,
        tier="default",
        is_ours=manifest.is_ours,
    )


def _effective_types(spec: Mapping[str, Any], *, profile: Profile) -> frozenset[Direction]:
    """Absent types mean ingress, and egress only where there is at least one egress rule; given types win."""
    given = spec.get("policyTypes")
    found: set[Direction] = set()
    if given:
        found = {direction for direction, _ in _SECTIONS if direction.capitalize() in given}
    else:
        found = {"ingress", "egress"} if spec.get("egress") else {"ingress"}
    if profile.stray_sections_isolate:
        found |= {direction for direction, _ in _SECTIONS if spec.get(direction)}
    return frozenset(found)


def _peer(written: Any, *, namespace: str, profile: Profile) -> Peer:
    """An absent or empty list is everybody."""
    if not written:
        return ANYBODY
    return peers_of(_one_peer(peer, namespace=namespace, profile=profile) for peer in written)


def _one_peer(peer: Mapping[str, Any], *, namespace: str, profile: Profile) -> Peer:
    block = peer.get("ipBlock")
    if block is not None:
        blocks = address_set([(str(block["cidr"]), [str(hole) for hole in block.get("except") or ()])])
        return BlockPeer(blocks, pods=profile.blocks_match_pods, nodes=profile.blocks_match_nodes)
    if peer.get("domainNames"):
        return NamePeer("clusternetworkpolicy", tuple((None, str(name)) for name in peer["domainNames"]))
    chosen = peer.get("namespaceSelector")
    return PodPeer(
        profile,
        pods=parse_label_selector(peer.get("podSelector")),
        namespace=namespace if chosen is None else None,
        namespaces=None if chosen is None else parse_label_selector(chosen),
    )


def _ports(written: Any) -> Ports:
    """An absent or empty list is every port of every protocol; an entry without a number still fixes the protocol."""
    if not written:
        return EVERY_PORT
    return ports_of(_port(port) for port in written)


def _port(port: Mapping[str, Any]) -> PortSpec:
    protocols = frozenset({str(port.get("protocol") or "TCP")})
    number = port.get("port")
    if number is None:
        return PortSpec(protocols)
    if isinstance(number, str):
        return PortSpec(protocols, name=number)
    return PortSpec(protocols, first=number, last=port.get("endPort") or number)


def compile_fqdn_policy(manifest: Manifest, *, profile: Profile) -> CompiledPolicy:
    """GKE's FQDNNetworkPolicy: names added to what NetworkPolicy opens; any of them closes egress for its pods."""
    spec = manifest.spec
    rules = tuple(
        Rule(index=index, section="egress", action="allow", peer=_fqdn_peer(rule), ports=_fqdn_ports(rule))
        for index, rule in enumerate(spec.get("egress") or ())
    )
    return CompiledPolicy(
        origin=manifest.origin,
        layer="network",
        subject=NamespacedSubject(manifest.namespace, parse_label_selector(spec.get("podSelector")), profile),
        rules={"egress": rules, "ingress": ()},
        isolates=frozenset({"egress"}),
        applies_to=frozenset({"egress"}),
        order=1000.0,
        tier="default",
        is_ours=manifest.is_ours,
    )


def _fqdn_peer(rule: Mapping[str, Any]) -> Peer:
    matches = rule.get("matches") or ()
    return NamePeer("gke", tuple((key, str(one[key])) for one in matches for key in ("name", "pattern") if key in one))


def _fqdn_ports(rule: Mapping[str, Any]) -> Ports:
    written = rule.get("ports")
    if not written:
        return EVERY_PORT
    return ports_of(_fqdn_port(port) for port in written)


def _fqdn_port(port: Mapping[str, Any]) -> PortSpec:
    protocol = str(port.get("protocol") or "ALL")
    protocols = None if protocol == "ALL" else frozenset({protocol})
    return PortSpec(protocols, first=port.get("port"), last=port.get("port"))
