"""The flow that is asked about, and the two parties of it as policies see them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from policy.simulation.addresses import Address, parse_address
from policy.simulation.errors import InvalidQuestion, mapping_at, text_at
from policy.simulation.selectors import NOTHING_KNOWN, Labels
from policy.simulation.state import DEFAULT_NAMESPACE, ClusterState, Node, Pod

PORT_PROTOCOLS = frozenset({"TCP", "UDP", "SCTP"})
ICMP_PROTOCOLS = frozenset({"ICMP", "ICMPv6"})
ENTITIES = frozenset(
    {
        "all",
        "cluster",
        "health",
        "host",
        "ingress",
        "init",
        "kube-apiserver",
        "remote-node",
        "unmanaged",
        "world",
        "world-ipv4",
        "world-ipv6",
    }
)
# A name counts for rules about names when DNS said so to the enforcing agent. What a client wrote into a TLS hello, a
# Host header or a CONNECT line proves nothing about the address that it talks to.
KNOWN_BY = ("dns", "sni", "host", "connect", "reverse-dns", "assumed")
CLUSTER_SUFFIX = ".cluster.local"
MAXIMUM_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One end of a flow as the question names it."""

    namespace: str | None = None
    pod: str | None = None
    address: Address | None = None
    name: str | None = None
    known_by: str = "dns"
    entity: str | None = None
    service: str | None = None

    @classmethod
    def from_document(cls, document: Any, *, end: str) -> "Place":
        """Read ``{"namespace", "pod"}``, ``{"ip"}``, ``{"fqdn", "ip"?, "knownBy"?}``, ``{"entity"}`` or a service."""
        found = mapping_at(document, subject="flow", field=end)
        if not any(found.get(key) for key in ("pod", "ip", "fqdn", "entity", "service")):
            raise InvalidQuestion(subject="flow", field=end, message="names no pod, ip, fqdn, entity or service")
        inside = found.get("pod") or found.get("service")
        return cls(
            namespace=str(found.get("namespace") or DEFAULT_NAMESPACE) if inside else None,
            pod=_optional_text(found, "pod", end=end),
            address=_address(found.get("ip"), end=end),
            name=_name(found.get("fqdn"), end=end),
            known_by=_choice(found.get("knownBy") or "dns", KNOWN_BY, field=f"{end}.knownBy"),
            entity=_choice(found["entity"], ENTITIES, field=f"{end}.entity") if found.get("entity") else None,
            service=_optional_text(found, "service", end=end),
        )

    def __str__(self) -> str:
        if self.pod or self.service:
            return f"{'service ' if self.service else ''}{self.namespace}/{self.pod or self.service}"
        parts = [part for part in (self.name or self.entity, str(self.address) if self.address else None) if part]
        return f"{parts[0]} ({parts[1]})" if len(parts) == 2 else parts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Would this pass? ``port`` is the port that the target sees; ICMP has a type instead."""

    source: Place
    target: Place
    port: int | None = None
    protocol: str = "TCP"
    icmp_type: int | None = None
    icmp_code: int | None = None
    is_reply: bool = False

    def __post_init__(self) -> None:
        if self.protocol not in PORT_PROTOCOLS and self.port is not None:
            object.__setattr__(self, "port", None)

    @classmethod
    def from_document(cls, document: Any) -> "Flow":
        """Read the flow of the ``sallyport simulate`` contract; whatever is not understood is refused by field."""
        found = mapping_at(document, subject="flow", field="")
        protocol = _protocol(found.get("protocol") or "TCP")
        return cls(
            source=Place.from_document(found.get("src"), end="src"),
            target=Place.from_document(found.get("dst"), end="dst"),
            port=_port(found.get("port"), protocol=protocol),
            protocol=protocol,
            icmp_type=_small_number(found.get("icmpType"), field="icmpType"),
            icmp_code=_small_number(found.get("icmpCode"), field="icmpCode"),
            is_reply=bool(found.get("reply", False)),
        )

    def with_target(self, target: Place, *, port: int | None) -> "Flow":
        return replace(self, target=target, port=port)


PartyKind = Literal["pod", "node", "outside", "entity", "unlisted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One end of a flow with everything about it that a policy could ask.

    ``unlisted`` is something in the cluster of which the state does not say what it is: a pod by name or by address.
    """

    kind: PartyKind
    text: str
    namespace: str | None = None
    labels: Labels = NOTHING_KNOWN
    namespace_labels: Labels = NOTHING_KNOWN
    pod: Pod | None = None
    node: Node | None = None
    node_name: str | None = None
    addresses: tuple[Address, ...] = ()
    name: str | None = None
    known_by: str = "dns"
    entity: str | None = None

    @property
    def is_in_cluster(self) -> bool:
        return self.kind in {"pod", "node", "unlisted"}

    @property
    def is_on_host_network(self) -> bool:
        return self.pod is not None and self.pod.is_on_host_network

    @property
    def is_maybe_inside(self) -> bool:
        """A name of the cluster's own domain without an address: what it stands for cannot be told."""
        return self.kind == "outside" and not self.addresses and (self.name or "").endswith(CLUSTER_SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What a rule is asked about: both parties, and what the packet carries."""

    source: Party
    target: Party
    port: int | None
    protocol: str
    icmp_type: int | None = None
    icmp_code: int | None = None


def packet_of(flow: Flow, *, cluster: ClusterState) -> Packet:
    """The packet of a flow, its parties looked up in the state."""
    target = party_of(flow.target, cluster=cluster)
    return Packet(
        source=party_of(flow.source, cluster=cluster),
        target=target,
        port=flow.port,
        protocol=_protocol_on_the_wire(flow, target),
        icmp_type=flow.icmp_type,
        icmp_code=flow.icmp_code,
    )


def _protocol_on_the_wire(flow: Flow, target: Party) -> str:
    """People say ICMP for both versions; the address tells which one it is."""
    if flow.protocol == "ICMP" and target.addresses and all(one.version == 6 for one in target.addresses):
        return "ICMPv6"
    return flow.protocol


def party_of(place: Place, *, cluster: ClusterState) -> Party:
    """Who stands at a place: by name of a pod first, then by address, then by entity; else it is outside."""
    if place.pod is not None:
        return _pod_party(place, cluster=cluster)
    if place.address is not None:
        return _party_at(place, place.address, cluster=cluster)
    if place.entity is not None:
        return Party(kind="entity", text=str(place), entity=place.entity, name=place.name)
    return Party(kind="outside", text=str(place), name=place.name, known_by=place.known_by)


def _pod_party(place: Place, *, cluster: ClusterState) -> Party:
    namespace, name = place.namespace or DEFAULT_NAMESPACE, place.pod or ""
    pod = cluster.pod(namespace=namespace, name=name)
    if pod is not None:
        return party_of_pod(pod, cluster=cluster, place=place)
    return Party(
        kind="unlisted",
        text=str(place),
        namespace=namespace,
        namespace_labels=cluster.namespace_labels(namespace),
        addresses=(place.address,) if place.address else (),
        name=place.name,
    )


def party_of_pod(pod: Pod, *, cluster: ClusterState, place: Place | None = None) -> Party:
    """The party that a pod of the state is; the flow's own address counts where it names one."""
    address = place.address if place else None
    return Party(
        kind="pod",
        text=f"{pod.namespace}/{pod.name}",
        namespace=pod.namespace,
        labels=Labels(pod.labels or {}, is_complete=pod.labels is not None),
        namespace_labels=cluster.namespace_labels(pod.namespace),
        pod=pod,
        node=cluster.node(pod.node),
        node_name=pod.node,
        addresses=(address,) if address else pod.addresses,
        name=place.name if place else None,
        known_by=place.known_by if place else "dns",
    )


def _party_at(place: Place, address: Address, *, cluster: ClusterState) -> Party:
    pod, node = cluster.pod_at(address), cluster.node_at(address)
    if pod is not None:
        return party_of_pod(pod, cluster=cluster, place=place)
    common: dict[str, Any] = {"text": str(place), "addresses": (address,), "name": place.name}
    if node is not None:
        entity = place.entity or ("kube-apiserver" if address in cluster.kube_apiserver else None)
        return Party(kind="node", node=node, node_name=node.name or None, entity=entity, **common)
    if place.entity is not None and not place.entity.startswith("world"):
        return Party(kind="entity", entity=place.entity, **common)
    if address in cluster.kube_apiserver:
        return Party(kind="entity", entity="kube-apiserver", **common)
    if address in cluster.pod_ranges:
        return Party(kind="unlisted", **common)
    return Party(kind="outside", known_by=place.known_by, entity=place.entity, **common)


def _optional_text(found: Mapping[str, Any], key: str, *, end: str) -> str | None:
    return text_at(found[key], subject="flow", field=f"{end}.{key}") if found.get(key) else None


def _address(value: Any, *, end: str) -> Address | None:
    if value is None:
        return None
    try:
        return parse_address(text_at(value, subject="flow", field=f"{end}.ip"))
    except ValueError as error:
        raise InvalidQuestion(subject="flow", field=f"{end}.ip", message=f"{value!r} is no address") from error


def _name(value: Any, *, end: str) -> str | None:
    if value is None:
        return None
    name = text_at(value, subject="flow", field=f"{end}.fqdn").lower().removesuffix(".")
    if not name or len(name) > 253 or not name.isascii() or not name.isprintable() or " " in name:
        raise InvalidQuestion(subject="flow", field=f"{end}.fqdn", message="is no name that DNS can carry")
    return name


def _choice(value: Any, choices: Any, *, field: str) -> str:
    if value not in choices:
        raise InvalidQuestion(subject="flow", field=field, message=f"{value!r} is none of {', '.join(sorted(choices))}")
    return str(value)


def _protocol(value: Any) -> str:
    spelled = {known.upper(): known for known in PORT_PROTOCOLS | ICMP_PROTOCOLS}
    protocol = spelled.get(str(value).upper())
    if protocol is not None:
        return protocol
    if str(value).isdigit() and 1 <= int(value) <= 255:
        return str(int(value))
    raise InvalidQuestion(subject="flow", field="protocol", message=f"{value!r} is no protocol")


def _port(value: Any, *, protocol: str) -> int | None:
    if protocol not in PORT_PROTOCOLS:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAXIMUM_PORT:
        raise InvalidQuestion(subject="flow", field="port", message=f"{value!r} is no port from 1 to {MAXIMUM_PORT}")
    return value


def _small_number(value: Any, *, field: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 255:
        raise InvalidQuestion(subject="flow", field=field, message=f"{value!r} is no number from 0 to 255")
    return value
