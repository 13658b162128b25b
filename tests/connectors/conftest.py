from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client as official
from kubernetes.dynamic import DynamicClient

from connectors.kube import KubeClient
from practice import ControlPlane


@pytest.fixture
def kube(control_plane: ControlPlane) -> Iterator[KubeClient]:
    """Our client with the rights that a registered cluster gives us."""
    with control_plane.client() as client:
        yield client


@pytest.fixture
def admin(control_plane: ControlPlane) -> Iterator[KubeClient]:
    with control_plane.client("admin") as client:
        yield client


@pytest.fixture
def kubectl(control_plane: ControlPlane, tmp_path: Any) -> Iterator[DynamicClient]:
    """Somebody else on the cluster, with the official client: reads back what we wrote, and meddles with it."""
    authority = tmp_path / "ca.crt"
    authority.write_text(control_plane.ca_pem)
    configuration = official.Configuration()
    configuration.host = control_plane.server
    configuration.ssl_ca_cert = str(authority)
    configuration.api_key = {"authorization": f"Bearer {control_plane.admin_token}"}
    with official.ApiClient(configuration) as api:
        yield DynamicClient(api)  # type: ignore[no-untyped-call]


@pytest.fixture
def network_policy(kube_namespace: str) -> Callable[..., dict[str, Any]]:
    """Makes a policy of ours that allows some CIDRs."""

    def make(*cidrs: str, name: str = "sallyport-egress", generation: int | None = None, **spec: Any) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": kube_namespace,
            "labels": {"app.kubernetes.io/managed-by": "sallyport"},
        }
        if generation is not None:
            metadata["annotations"] = {"sallyport.dev/generation": str(generation)}
        egress = [{"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": 443}]} for cidr in cidrs]
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata,
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress, **spec},
        }

    return make
