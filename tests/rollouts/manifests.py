"""Policy objects as literals for tests."""

from __future__ import annotations

import copy
from typing import Any

from rollouts.objects import Object, stamped

LABELS = {"app.kubernetes.io/managed-by": "sallyport", "sallyport.dev/template": "v1"}
DNS_RULE = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    "ports": [{"protocol": "UDP", "port": 53}],
}


def rule(cidr: str, port: int = 443) -> Object:
    return {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": port}]}


def network_policy(
    *rules: Object, name: str = "sallyport-egress", selector: dict[str, str] | None = None, passports: str = ""
) -> Object:
    """A compiled NetworkPolicy of ours."""
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "labels": dict(LABELS)}
    if passports:
        metadata["annotations"] = {"sallyport.dev/passports": passports}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {
            "podSelector": {"matchLabels": selector} if selector else {},
            "policyTypes": ["Egress"],
            "egress": list(rules),
        },
    }


def base(*rules: Object, passports: str = "") -> Object:
    return network_policy(DNS_RULE, *rules, passports=passports)


def cilium_policy(*specs: Object, passports: str = "") -> Object:
    base_spec = {
        "description": "sallyport v1: deny egress by default, allow DNS",
        "endpointSelector": {},
        "egress": [{}, {"toEndpoints": [{}], "toPorts": [{"ports": [{"port": "53", "protocol": "UDP"}]}]}],
        "enableDefaultDeny": {"egress": True, "ingress": False},
    }
    metadata: dict[str, Any] = {"name": "sallyport-egress", "namespace": "shop", "labels": dict(LABELS)}
    if passports:
        metadata["annotations"] = {"sallyport.dev/passports": passports}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": metadata,
        "specs": [base_spec, *specs],
    }


def live(item: Object, *, generation: int = 1, uid: str = "uid-1", manager: str = "sallyport") -> Object:
    """The object as an API server would show it: with identity, version, defaults and managed fields."""
    found = stamped(copy.deepcopy(item), generation)
    found["metadata"] |= {
        "uid": uid,
        "resourceVersion": "10",
        "creationTimestamp": "2026-11-01T10:00:00Z",
        "generation": 4,
        "managedFields": [{"manager": manager, "operation": "Apply", "time": "2026-11-01T10:00:00Z", "fieldsV1": {}}],
    }
    found["status"] = {}
    return found


def foreign(item: Object, *, name: str = "theirs") -> Object:
    """Somebody else's object of the same kind."""
    found = live(item, manager="kubectl")
    found["metadata"] |= {"name": name, "labels": {"team": "shop"}, "annotations": {}}
    return found
