"""A cluster as an outsider sees it: read and tampered with through the official Kubernetes client."""

from __future__ import annotations

from typing import Any

from kubernetes import client

from practice import ADMIN, ControlPlane

CILIUM = ("cilium.io", "v2", "ciliumnetworkpolicies")
PLAIN = ("networking.k8s.io", "v1", "networkpolicies")
EVERYWHERE = "0.0.0.0/0"


class Reader:
    """Reads the policy objects of a practice cluster, and does what a person with kubectl might do to them."""

    def __init__(self, plane: ControlPlane) -> None:
        access = plane.access(ADMIN.user)
        ca_path = plane.authority.ca_path
        configuration = client.Configuration(host=plane.server)
        configuration.ssl_ca_cert = str(ca_path)
        configuration.api_key = {"authorization": f"Bearer {access.token}"}
        self._api = client.CustomObjectsApi(client.ApiClient(configuration))

    def ours(self, namespace: str) -> list[dict[str, Any]]:
        """Our objects in the namespace, of every dialect that the cluster serves, without what the server adds."""
        return [_without_server_fields(one) for _, one in self._ours(namespace)]

    def has(self, namespace: str, name: str) -> bool:
        return any(one["metadata"]["name"] == name for _, one in self._all(namespace))

    def open_everything(self, namespace: str) -> None:
        """Add a rule to our objects that lets everything out."""
        for kind, one in self._ours(namespace):
            if "specs" in one:
                one["specs"][0]["egress"].append({"toCIDR": [EVERYWHERE]})
            else:
                one["spec"].setdefault("egress", []).append({"to": [{"ipBlock": {"cidr": EVERYWHERE}}]})
            self._api.replace_namespaced_custom_object(*kind[:2], namespace, kind[2], one["metadata"]["name"], one)

    def delete_ours(self, namespace: str) -> None:
        for kind, one in self._ours(namespace):
            self._api.delete_namespaced_custom_object(*kind[:2], namespace, kind[2], one["metadata"]["name"])

    def add_foreign(self, namespace: str, name: str) -> None:
        """Somebody else's policy that opens all egress."""
        body = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
        }
        self._api.create_namespaced_custom_object(*PLAIN[:2], namespace, PLAIN[2], body)

    def _ours(self, namespace: str) -> list[tuple[tuple[str, str, str], dict[str, Any]]]:
        return [
            (kind, one)
            for kind, one in self._all(namespace)
            if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "sallyport"
        ]

    def _all(self, namespace: str) -> list[tuple[tuple[str, str, str], dict[str, Any]]]:
        found = []
        for kind in (CILIUM, PLAIN):
            try:
                listed = self._api.list_namespaced_custom_object(*kind[:2], namespace, kind[2])
            except client.ApiException as error:
                if error.status != 404:
                    raise
                continue  # a cluster without Cilium does not serve its kinds
            for one in listed["items"]:
                one.setdefault("apiVersion", f"{kind[0]}/{kind[1]}")
                one.setdefault("kind", listed["kind"].removesuffix("List"))
                found.append((kind, one))
        return found


def _without_server_fields(one: dict[str, Any]) -> dict[str, Any]:
    keep = {"name", "namespace", "labels", "annotations"}
    return {**one, "metadata": {key: value for key, value in one["metadata"].items() if key in keep}}
