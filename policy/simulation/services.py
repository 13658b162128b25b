"""Flows to a service: the packet may be judged at the service's address or at a backend's, and which one is stated."""

from collections.abc import Iterator

from policy.simulation.flows import CLUSTER_SUFFIX, Flow, Place
from policy.simulation.state import ClusterState, Pod, Service

_SERVICE_SUFFIX = ".svc" + CLUSTER_SUFFIX


def service_of(flow: Flow, *, cluster: ClusterState) -> Service | None:
    """The service that the flow is sent to, by its name, its DNS name or its address."""
    target = flow.target
    if target.service is not None:
        return cluster.service(namespace=target.namespace or "", name=target.service)
    if target.pod is not None:
        return None
    if target.address is not None:
        return cluster.service_at(target.address)
    if target.name is not None and target.name.endswith(_SERVICE_SUFFIX):
        name, _, namespace = target.name.removesuffix(_SERVICE_SUFFIX).partition(".")
        return cluster.service(namespace=namespace, name=name)
    return None


def translated(flow: Flow, service: Service, backends: tuple[Pod, ...]) -> Iterator[Flow]:
    """The flow as it arrives at each backend that the service sends this port to."""
    for pod in backends:
        for port in _target_ports(flow, service, pod):
            yield flow.with_target(Place(namespace=pod.namespace, pod=pod.name), port=port)


def _target_ports(flow: Flow, service: Service, pod: Pod) -> Iterator[int | None]:
    if not service.ports:
        yield flow.port
        return
    for port in service.ports:
        if port.number != flow.port or port.protocol != flow.protocol:
            continue
        if isinstance(port.target, int):
            yield port.target
        else:
            named = (one for one in pod.ports if one.name == port.target and one.protocol == port.protocol)
            yield from (one.number for one in named)
