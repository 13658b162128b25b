"""``policy.networking.k8s.io``: ClusterNetworkPolicy v1alpha2 and its ancestors, ordered rules around NetworkPolicy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.simulation.addresses import address_set
from policy.simulation.answers import Direction
from policy.simulation.flows import Party
from policy.simulation.manifests import Manifest
from policy.simulation.model import Action, CompiledPolicy, Layer, Rule
from policy.simulation.peers import BlockPeer, NamePeer, NodePeer, Peer, PodPeer, peers_of
from policy.simulation.ports import EVERY_PORT, Ports, PortSpec, ports_of
from policy.simulation.profiles import Profile
from policy.simulation.selectors import EVERYTHING, NAMESPACE_NAME_LABEL, Requirement, Selector, parse_label_selector
from policy.simulation.truth import Truth, every

_ACTIONS: Mapping[str, Action] = {"Accept": "allow", "Allow": "allow", "Deny": "deny", "Pass": "pass"}
_SECTIONS: tuple[tuple[Direction, str], ...] = (("egress", "to"), ("ingress", "from"))
# The one BaselineAdminNetworkPolicy has no priority; it stands behind every ClusterNetworkPolicy of its tier.
_LAST = float("inf")
_PORT_PROTOCOLS = frozenset({"TCP", "UDP", "SCTP"})


@dataclass(frozen=True, slots=True)
class AdminSubject:
    """Pods by labels of their namespaces and their own; never those on the host network."""

    namespaces: Selector
    pods: Selector

    @property
    def is_of_nodes(self) -> bool:
        return False

    @property
    def namespace(self) -> str | None:
        return self.namespaces.value_of(NAMESPACE_NAME_LABEL)

    @property
    def pair(self) -> tuple[str, str] | None:
        return self.pods.pair

    def judge(self, party: Party) -> Truth:
        if party.kind not in {"pod", "unlisted"} or party.is_on_host_network:
            return Truth.NO
        return every((self.namespaces.judge(party.namespace_labels), self.pods.judge(party.labels)))


def compile_cluster_policy(manifest: Manifest, *, profile: Profile) -> CompiledPolicy:
    """The policy at its tier and priority. It isolates nobody: what none of its rules matches is passed on."""
    spec = manifest.spec
    return CompiledPolicy(
        origin=manifest.origin,
        layer=_layer(manifest),
        subject=_subject(spec.get("subject") or {}),
        rules={direction: tuple(_rules(spec, direction, field, profile=profile)) for direction, field in _SECTIONS},
        order=_LAST if manifest.kind == "BaselineAdminNetworkPolicy" else float(spec.get("priority") or 0),
        is_ours=manifest.is_ours,
    )


def _layer(manifest: Manifest) -> Layer:
    is_baseline = manifest.kind == "BaselineAdminNetworkPolicy" or manifest.spec.get("tier") == "Baseline"
    return "baseline" if is_baseline else "admin"


def _subject(written: Mapping[str, Any]) -> AdminSubject:
    pods = written.get("pods")
    if pods is not None:
        return AdminSubject(
            parse_label_selector(pods.get("namespaceSelector")), parse_label_selector(pods.get("podSelector"))
        )
    return AdminSubject(parse_label_selector(written.get("namespaces")), EVERYTHING)


def _rules(spec: Mapping[str, Any], direction: Direction, field: str, *, profile: Profile) -> Iterator[Rule]:
    for index, written in enumerate(spec.get(direction) or ()):
        action = _ACTIONS[str(written.get("action"))]
        ports = _ports(written)
        known = [_peer(peer, profile=profile) for peer in written.get(field) or ()]
        members = [peer for peer in known if peer is not None]
        if len(members) < len(known) and action != "allow":
            # The API asks to fail closed on a peer that the implementation cannot read: deny everything.
            note = "a peer that cannot be read counts as everybody, denied"
            yield Rule(index=index, section=direction, action="deny", ports=ports, note=note)
            continue
        yield Rule(index=index, section=direction, action=action, peer=peers_of(members), ports=ports)
        if profile.admin_names_open_dns and any("domainNames" in peer for peer in written.get(field) or ()):
            yield _dns_rule(index, profile=profile)


def _peer(written: Mapping[str, Any], *, profile: Profile) -> Peer | None:
    """The peer, or none where it has no key that this implementation reads."""
    if written.get("pods") is not None:
        pods = written["pods"]
        return PodPeer(
            profile,
            pods=parse_label_selector(pods.get("podSelector")),
            namespaces=parse_label_selector(pods.get("namespaceSelector")),
            excludes_host_network=True,
        )
    if written.get("namespaces") is not None:
        chosen = parse_label_selector(written["namespaces"])
        return PodPeer(profile, pods=EVERYTHING, namespaces=chosen, excludes_host_network=True)
    if written.get("networks") is not None:
        blocks = address_set(str(block) for block in written["networks"])
        return BlockPeer(blocks, pods=profile.networks_match_pods, nodes=profile.networks_match_nodes)
    if written.get("nodes") is not None and profile.admin_nodes_are_enforced:
        return NodePeer(parse_label_selector(written["nodes"]))
    if written.get("domainNames") is not None and profile.admin_names_are_enforced:
        return NamePeer("clusternetworkpolicy", tuple((None, str(name)) for name in written["domainNames"]))
    return None


def _dns_rule(index: int, *, profile: Profile) -> Rule:
    kube_dns = Selector((Requirement("k8s-app", "In", frozenset({"kube-dns"})),))
    names = [PortSpec(_PORT_PROTOCOLS, name=name) for name in ("dns", "dns-tcp")]
    return Rule(
        index=index,
        section="egress",
        action="allow",
        peer=PodPeer(profile, pods=kube_dns, namespaces=EVERYTHING),
        ports=ports_of(names),
        note="Cilium opens the cluster's DNS for a rule with domain names",
    )


def _ports(rule: Mapping[str, Any]) -> Ports:
    """The ports of either version of the API; an absent list is every port of every protocol."""
    specs = [_protocol(one) for one in rule.get("protocols") or ()] + [_port(one) for one in rule.get("ports") or ()]
    return ports_of(specs) if specs else EVERY_PORT


def _protocol(written: Mapping[str, Any]) -> PortSpec:
    if written.get("destinationNamedPort"):
        return PortSpec(_PORT_PROTOCOLS, name=str(written["destinationNamedPort"]))
    key = next(key for key in ("tcp", "udp", "sctp") if key in written)
    port = (written[key] or {}).get("destinationPort") or {}
    span = port.get("range") or {"start": port.get("number"), "end": port.get("number")}
    return PortSpec(frozenset({key.upper()}), first=span["start"], last=span["end"])


def _port(written: Mapping[str, Any]) -> PortSpec:
    if written.get("namedPort"):
        return PortSpec(_PORT_PROTOCOLS, name=str(written["namedPort"]))
    number, span = written.get("portNumber"), written.get("portRange")
    if number is not None:
        return PortSpec(frozenset({str(number.get("protocol") or "TCP")}), first=number["port"], last=number["port"])
    chosen = span or {}
    return PortSpec(
        frozenset({str(chosen.get("protocol") or "TCP")}), first=chosen.get("start"), last=chosen.get("end")
    )
