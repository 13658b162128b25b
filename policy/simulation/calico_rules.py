"""One rule of a Calico policy: both ends of the packet by nets, selectors, ports and names, all of which must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.simulation.addresses import AddressSet, address_set
from policy.simulation.answers import Direction
from policy.simulation.calico_selectors import CalicoSelector, parse_calico_selector
from policy.simulation.flows import Packet, Party
from policy.simulation.model import Action, Rule
from policy.simulation.names import fits
from policy.simulation.peers import UNKNOWN_DOUBT
from policy.simulation.ports import Ports, PortSpec, ports_of
from policy.simulation.selectors import Labels
from policy.simulation.state import ClusterState
from policy.simulation.truth import Truth, every, negate, some, truth_of

_ACTIONS: Mapping[str, Action] = {"Allow": "allow", "Deny": "deny", "Pass": "pass"}
_NUMBERS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP", 136: "UDPLite"}
_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP"})
_NAMESPACE = "projectcalico.org/namespace"
_NAMESPACE_NAME = "projectcalico.org/name"


@dataclass(frozen=True, slots=True)
class NetworkSet:
    """Addresses under labels; without a namespace it is a global one."""

    namespace: str | None
    labels: Mapping[str, str]
    blocks: AddressSet
    domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class CalicoContext:
    """What the policies of a cluster refer to."""

    cluster: ClusterState
    network_sets: tuple[NetworkSet, ...] = ()

    def labels_of(self, party: Party) -> Labels:
        """The labels that Calico gives the endpoint of a pod."""
        added = {"projectcalico.org/orchestrator": "k8s"}
        if party.namespace is not None:
            added[_NAMESPACE] = party.namespace
        if party.pod is not None:
            added["projectcalico.org/serviceaccount"] = party.pod.service_account
        for key, value in self.namespace_labels_of(party).values.items():
            added[f"pcns.{key}"] = value
        is_complete = party.labels.is_complete and party.namespace_labels.is_complete
        return Labels(added | dict(party.labels.values), is_complete=is_complete)

    def namespace_labels_of(self, party: Party) -> Labels:
        """The labels that a ``namespaceSelector`` sees: Calico adds the namespace's name under its own key."""
        return _with_name(party.namespace_labels, party.namespace)

    def set_namespace_labels(self, namespace: str) -> Labels:
        return _with_name(self.cluster.namespace_labels(namespace), namespace)

    def labels_of_set(self, network_set: NetworkSet) -> Labels:
        if network_set.namespace is None:
            return Labels(network_set.labels)
        namespace = self.set_namespace_labels(network_set.namespace)
        added = {f"pcns.{key}": value for key, value in namespace.values.items()}
        return Labels({_NAMESPACE: network_set.namespace, **added, **network_set.labels})


def _with_name(labels: Labels, namespace: str | None) -> Labels:
    if namespace is None:
        return labels
    return Labels({_NAMESPACE_NAME: namespace, **labels.values}, is_complete=labels.is_complete)


@dataclass(frozen=True)
class Selection:
    """Endpoints and network sets that a selector takes, in the namespaces that a second one takes."""

    context: CalicoContext
    selector: CalicoSelector
    namespace: str | None
    namespaces: CalicoSelector | None

    def judge(self, party: Party) -> Truth:
        return some((self._judge_endpoint(party), self._judge_sets(party)))

    def _judge_endpoint(self, party: Party) -> Truth:
        if party.kind == "entity":
            return Truth.UNKNOWN if party.entity in {"all", "cluster"} else Truth.NO
        if party.kind not in {"pod", "unlisted"} or party.is_on_host_network:
            return Truth.UNKNOWN if party.is_maybe_inside else Truth.NO
        placed = Truth.YES
        if self.namespaces is not None:
            placed = (
                Truth.NO
                if self.namespaces.is_global
                else self.namespaces.judge(self.context.namespace_labels_of(party))
            )
        elif self.namespace is not None:
            placed = Truth.UNKNOWN if party.namespace is None else truth_of(party.namespace == self.namespace)
        return every((placed, self.selector.judge(self.context.labels_of(party))))

    def _judge_sets(self, party: Party) -> Truth:
        return some(
            some((one.blocks.judge(party.addresses), _judge_domains(one.domains, party)))
            for one in self.context.network_sets
            if self._takes_set(one)
        )

    def _takes_set(self, network_set: NetworkSet) -> bool:
        if self.namespaces is not None:
            if self.namespaces.is_global != (network_set.namespace is None):
                return False
            if network_set.namespace is not None:
                labels = self.context.set_namespace_labels(network_set.namespace)
                if self.namespaces.judge(labels) is not Truth.YES:
                    return False
        elif self.namespace is not None and network_set.namespace != self.namespace:
            return False
        return self.selector.judge(self.context.labels_of_set(network_set)) is Truth.YES


@dataclass(frozen=True)
class CalicoEnd:
    """What a rule says about one end of the packet; every part that is given must hold."""

    nets: AddressSet | None = None
    not_nets: AddressSet | None = None
    domains: tuple[str, ...] = ()
    selection: Selection | None = None
    not_selector: Selection | None = None
    accounts: tuple[str, ...] | None = None
    account_namespace: str | None = None
    is_opaque: bool = False
    has_source_ports: bool = False

    def judge(self, party: Party) -> Truth:
        truths = [Truth.UNKNOWN if self.is_opaque or self.has_source_ports else Truth.YES]
        if self.nets is not None or self.domains:
            nets = (self.nets or AddressSet()).judge(party.addresses)
            truths.append(some((nets, _judge_domains(self.domains, party))))
        if self.not_nets is not None:
            truths.append(negate(self.not_nets.judge(party.addresses)))
        if self.selection is not None:
            truths.append(self.selection.judge(party))
        if self.not_selector is not None:
            truths.append(negate(self.not_selector.judge(party)))
        if self.accounts is not None:
            truths.append(self._judge_account(party))
        return every(truths)

    def _judge_account(self, party: Party) -> Truth:
        if party.pod is None:
            return Truth.UNKNOWN if party.kind == "unlisted" else Truth.NO
        if self.account_namespace is not None and party.namespace != self.account_namespace:
            return Truth.NO
        return truth_of(party.pod.service_account in (self.accounts or ()))


@dataclass(frozen=True)
class CalicoPeer:
    """Both ends of the packet, and its address family."""

    direction: Direction
    source: CalicoEnd
    destination: CalicoEnd
    ip_version: int | None
    has_http: bool
    doubt: str = UNKNOWN_DOUBT

    def judge(self, party: Party, *, local: Party, packet: Packet) -> Truth:
        source, destination = (local, party) if self.direction == "egress" else (party, local)
        truths = [self.source.judge(source), self.destination.judge(destination)]
        if self.ip_version is not None:
            versions = {address.version for address in packet.target.addresses}
            truths.append(truth_of(versions == {self.ip_version}) if len(versions) == 1 else Truth.UNKNOWN)
        if self.has_http:
            truths.append(Truth.UNKNOWN)
        return every(truths)


@dataclass(frozen=True, slots=True)
class CalicoPorts:
    """Protocol, ports and their negations."""

    wanted: Ports
    unwanted: Ports | None = None

    def judge(self, packet: Packet) -> Truth:
        if self.unwanted is None:
            return self.wanted.judge(packet)
        return every((self.wanted.judge(packet), negate(self.unwanted.judge(packet))))


def compile_rule(
    rule: Mapping[str, Any], *, index: int, direction: Direction, namespace: str | None, context: CalicoContext
) -> Rule:
    """One Allow, Deny or Pass rule."""
    destination = rule.get("destination") or {}
    return Rule(
        index=index,
        section=direction,
        action=_ACTIONS[str(rule.get("action"))],
        peer=CalicoPeer(
            direction=direction,
            source=_end(rule.get("source") or {}, namespace=namespace, context=context, is_source=True),
            destination=_end(destination, namespace=namespace, context=context, is_source=False),
            ip_version=rule.get("ipVersion"),
            has_http=bool(rule.get("http")),
        ),
        ports=_ports(rule, destination),
    )


def _end(written: Mapping[str, Any], *, namespace: str | None, context: CalicoContext, is_source: bool) -> CalicoEnd:
    accounts = written.get("serviceAccounts") or {}
    names = accounts.get("names")
    nets, not_nets = written.get("nets"), written.get("notNets")
    return CalicoEnd(
        nets=None if not nets else address_set(str(block) for block in nets),
        not_nets=None if not not_nets else address_set(str(block) for block in not_nets),
        domains=tuple(str(name) for name in written.get("domains") or ()),
        selection=_selection(written, namespace=namespace, context=context),
        not_selector=_not_selector(written, context=context),
        accounts=tuple(str(name) for name in names) if names else None,
        account_namespace=namespace if not written.get("namespaceSelector") else None,
        is_opaque=bool(accounts.get("selector")) or bool(written.get("services")),
        has_source_ports=is_source and bool(written.get("ports") or written.get("notPorts")),
    )


def _selection(written: Mapping[str, Any], *, namespace: str | None, context: CalicoContext) -> Selection | None:
    """A namespaced policy means its own namespace wherever a selector does not name others."""
    chosen, namespaces = written.get("selector"), written.get("namespaceSelector")
    is_scoped = namespace is not None and bool(written.get("notSelector"))
    if not chosen and not namespaces and not is_scoped:
        return None
    return Selection(
        context=context,
        selector=parse_calico_selector(str(chosen or "")),
        namespace=namespace,
        namespaces=parse_calico_selector(str(namespaces)) if namespaces else None,
    )


def _not_selector(written: Mapping[str, Any], *, context: CalicoContext) -> Selection | None:
    text = written.get("notSelector")
    if not text:
        return None
    return Selection(context, parse_calico_selector(str(text)), None, None)


def _judge_domains(domains: tuple[str, ...], party: Party) -> Truth:
    if not domains or party.is_in_cluster:
        return Truth.NO
    if party.name is None or party.known_by != "dns":
        return Truth.UNKNOWN
    name = party.name
    return truth_of(any(fits(dialect="calico", field=None, pattern=pattern, name=name) for pattern in domains))


def _ports(rule: Mapping[str, Any], destination: Mapping[str, Any]) -> CalicoPorts:
    protocols = frozenset({_protocol(rule["protocol"])}) if rule.get("protocol") is not None else None
    specs = [_port(port, protocols) for port in destination.get("ports") or ()]
    icmp = rule.get("icmp")
    if icmp:
        specs.append(PortSpec(protocols, icmp_type=icmp.get("type"), icmp_code=icmp.get("code")))
    wanted = ports_of(specs) if specs else ports_of([PortSpec(protocols)])
    unwanted = [_port(port, protocols) for port in destination.get("notPorts") or ()]
    if rule.get("notProtocol") is not None:
        unwanted.append(PortSpec(frozenset({_protocol(rule["notProtocol"])})))
    if rule.get("notICMP"):
        negated = rule["notICMP"]
        unwanted.append(PortSpec(protocols, icmp_type=negated.get("type"), icmp_code=negated.get("code")))
    return CalicoPorts(wanted, ports_of(unwanted) if unwanted else None)


def _protocol(written: Any) -> str:
    """The protocol as flows spell it; numbers of known protocols become their names."""
    if isinstance(written, int) or str(written).isdigit():
        return _NUMBERS.get(int(written), str(int(written)))
    return {name.upper(): name for name in _NUMBERS.values()}.get(str(written).upper(), str(written))


def _port(written: Any, protocols: frozenset[str] | None) -> PortSpec:
    """A number, a span ``"8000:9000"``, or the name of a port of the target."""
    text = str(written)
    first, colon, last = text.partition(":")
    if first.isdigit() and (not colon or last.isdigit()):
        return PortSpec(protocols, first=int(first), last=int(last) if colon else int(first))
    return PortSpec(protocols or _WITH_PORTS, name=text)
