"""The cluster as a simulation sees it: namespaces, pods, nodes and services, read from plain documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policy.simulation.addresses import Address, AddressSet, address_set, parse_address
from policy.simulation.errors import InvalidQuestion, list_at, mapping_at, text_at
from policy.simulation.selectors import NAMESPACE_NAME_LABEL, Labels, Selector, parse_label_selector
from policy.simulation.truth import Truth

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class ContainerPort:
    name: str
    number: int
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod; labels of ``None`` are labels that nobody recorded, which is not the same as having none."""

    namespace: str
    name: str
    labels: Mapping[str, str] | None = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    is_on_host_network: bool = False
    node: str | None = None
    service_account: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class ServicePort:
    number: int
    target: int | str
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service with its own addresses; without a selector its backends are not known."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Selector | None = None
    addresses: tuple[Address, ...] = ()
    ports: tuple[ServicePort, ...] = ()


@dataclass(frozen=True)
class ClusterState:
    """Everything that policies can refer to. Namespaces always carry their own name as a label, as the API adds it."""

    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    nodes: tuple[Node, ...] = ()
    services: tuple[Service, ...] = ()
    pod_ranges: AddressSet = field(default_factory=AddressSet)
    kube_apiserver: tuple[Address, ...] = ()
    name: str = "default"

    @classmethod
    def from_document(cls, document: Any) -> "ClusterState":
        """Read ``{"namespaces", "pods", "nodes", "services", "podCIDRs", "kubeAPIServer"}``; all but pods optional."""
        whole = mapping_at(document, subject="cluster", field="")
        return cls(
            namespaces=_namespaces(whole.get("namespaces")),
            pods=tuple(_pod(one, f"pods[{i}]") for i, one in enumerate(_list(whole, "pods"))),
            nodes=tuple(_node(one, f"nodes[{i}]") for i, one in enumerate(_list(whole, "nodes"))),
            services=tuple(_service(one, f"services[{i}]") for i, one in enumerate(_list(whole, "services"))),
            pod_ranges=_ranges(_list(whole, "podCIDRs")),
            kube_apiserver=_addresses({"ips": whole.get("kubeAPIServer")}, "kubeAPIServer"),
            name=str(whole.get("name") or "default"),
        )

    def namespace_labels(self, namespace: str) -> Labels:
        """The labels of a namespace; of one that is not in the state only the name is known."""
        known = self.namespaces.get(namespace)
        return Labels({NAMESPACE_NAME_LABEL: namespace} | dict(known or {}), is_complete=known is not None)

    def pod(self, *, namespace: str, name: str) -> Pod | None:
        return self._pods_by_name.get((namespace, name))

    def pod_at(self, address: Address) -> Pod | None:
        """The pod that owns the address; pods on the host network own none."""
        return self._pods_by_address.get(address)

    def node_at(self, address: Address) -> Node | None:
        return self._nodes_by_address.get(address)

    def node(self, name: str | None) -> Node | None:
        return self._nodes_by_name.get(name) if name is not None else None

    def service_at(self, address: Address) -> Service | None:
        return self._services_by_address.get(address)

    def service(self, *, namespace: str, name: str) -> Service | None:
        return self._services_by_name.get((namespace, name))

    def backends(self, service: Service) -> tuple[Pod, ...] | None:
        """The pods behind a service; ``None`` where the state does not say which."""
        if service.selector is None or service.selector.is_empty:
            return None
        return tuple(
            pod
            for pod in self.pods
            if pod.namespace == service.namespace
            and pod.labels is not None
            and service.selector.judge(Labels(pod.labels)) is Truth.YES
        )

    @cached_property
    def _pods_by_name(self) -> dict[tuple[str, str], Pod]:
        return {(pod.namespace, pod.name): pod for pod in self.pods}

    @cached_property
    def _pods_by_address(self) -> dict[Address, Pod]:
        return {address: pod for pod in self.pods if not pod.is_on_host_network for address in pod.addresses}

    @cached_property
    def _nodes_by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def _nodes_by_address(self) -> dict[Address, Node]:
        known = {address: node for node in self.nodes for address in node.addresses}
        for pod in self.pods:
            if pod.is_on_host_network:
                for address in pod.addresses:
                    node = self._nodes_by_name.get(pod.node or "") or Node(name=pod.node or "")
                    known.setdefault(address, node)
        return known

    @cached_property
    def _services_by_address(self) -> dict[Address, Service]:
        return {address: service for service in self.services for address in service.addresses}

    @cached_property
    def _services_by_name(self) -> dict[tuple[str, str], Service]:
        return {(service.namespace, service.name): service for service in self.services}


def _list(whole: Mapping[str, Any], name: str) -> list[Any]:
    return list_at(whole.get(name), subject="cluster", field=name)


def _namespaces(value: Any) -> dict[str, dict[str, str]]:
    found = {}
    for name, labels in mapping_at(value, subject="cluster", field="namespaces").items():
        found[str(name)] = _labels(labels, f"namespaces.{name}")
    return found


def _labels(value: Any, place: str) -> dict[str, str]:
    return {str(key): str(text) for key, text in mapping_at(value, subject="cluster", field=place).items()}


def _addresses(document: Mapping[str, Any], place: str) -> tuple[Address, ...]:
    written = [document["ip"]] if document.get("ip") else []
    several = document.get("ips") or document.get("addresses") or ()
    written += [several] if isinstance(several, str) else list(several)
    texts = [one.get("ip") or one.get("address") if isinstance(one, dict) else one for one in written]
    return tuple(dict.fromkeys(_address(text, place) for text in texts))


def _address(text: Any, place: str) -> Address:
    try:
        return parse_address(text_at(text, subject="cluster", field=place))
    except ValueError as error:
        raise InvalidQuestion(subject="cluster", field=place, message=f"{text!r} is no address") from error


def _ranges(blocks: list[Any]) -> AddressSet:
    try:
        return address_set(str(block) for block in blocks)
    except ValueError as error:
        raise InvalidQuestion(subject="cluster", field="podCIDRs", message=str(error)) from error


def _pod(value: Any, place: str) -> Pod:
    document = mapping_at(value, subject="cluster", field=place)
    is_unlabelled = "labels" in document and document["labels"] is None
    return Pod(
        namespace=str(document.get("namespace") or DEFAULT_NAMESPACE),
        name=text_at(document.get("name"), subject="cluster", field=f"{place}.name"),
        labels=None if is_unlabelled else _labels(document.get("labels"), f"{place}.labels"),
        addresses=_addresses(document, f"{place}.ip"),
        ports=tuple(_container_ports(document.get("ports"), place)),
        is_on_host_network=bool(document.get("hostNetwork", False)),
        node=document.get("nodeName") or document.get("node"),
        service_account=str(document.get("serviceAccountName") or document.get("serviceAccount") or "default"),
    )


def _container_ports(value: Any, place: str) -> list[ContainerPort]:
    found = []
    for written in list_at(value, subject="cluster", field=f"{place}.ports"):
        port = mapping_at(written, subject="cluster", field=f"{place}.ports")
        number = port.get("containerPort", port.get("port"))
        if not isinstance(number, int):
            raise InvalidQuestion(subject="cluster", field=f"{place}.ports", message="containerPort must be a number")
        found.append(ContainerPort(str(port.get("name") or ""), number, str(port.get("protocol") or "TCP")))
    return found


def _node(value: Any, place: str) -> Node:
    document = mapping_at(value, subject="cluster", field=place)
    return Node(
        name=text_at(document.get("name"), subject="cluster", field=f"{place}.name"),
        labels=_labels(document.get("labels"), f"{place}.labels"),
        addresses=_addresses(document, f"{place}.ip"),
    )


def _service(value: Any, place: str) -> Service:
    document = mapping_at(value, subject="cluster", field=place)
    address = {"ip": document.get("ip") or document.get("clusterIP"), "ips": document.get("ips")}
    selector = document.get("selector")
    return Service(
        namespace=str(document.get("namespace") or DEFAULT_NAMESPACE),
        name=text_at(document.get("name"), subject="cluster", field=f"{place}.name"),
        labels=_labels(document.get("labels"), f"{place}.labels"),
        selector=parse_label_selector({"matchLabels": selector}) if isinstance(selector, dict) else None,
        addresses=_addresses({} if address["ip"] == "None" else address, f"{place}.ip"),
        ports=tuple(_service_ports(document.get("ports"), place)),
    )


def _service_ports(value: Any, place: str) -> list[ServicePort]:
    found = []
    for written in list_at(value, subject="cluster", field=f"{place}.ports"):
        port = mapping_at(written, subject="cluster", field=f"{place}.ports")
        number = port.get("port")
        if not isinstance(number, int):
            raise InvalidQuestion(subject="cluster", field=f"{place}.ports", message="port must be a number")
        found.append(ServicePort(number, port.get("targetPort", number), str(port.get("protocol") or "TCP")))
    return found
