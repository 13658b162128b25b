"""The least that the portal's identity on a cluster needs, as manifests to be applied by whoever owns the cluster."""

from __future__ import annotations

from connectors.kube.replies import Object
from connectors.kube.resources import POLICY_KINDS, WORKLOADS

ROLE_NAME = "sallyport"
_READ = ["get", "list", "watch"]
_WRITE = [*_READ, "create", "patch", "delete"]


def cluster_role() -> Object:
    """Read namespaces, pods and workloads; read and write egress policy kinds. No secrets, no RBAC, nothing else."""
    policy_plurals: dict[str, list[str]] = {}
    for kind in POLICY_KINDS:
        policy_plurals.setdefault(kind.group, []).append(kind.plural)
    workload_plurals: dict[str, list[str]] = {}
    for resource in WORKLOADS:
        workload_plurals.setdefault(resource.group, []).append(resource.plural)
    rules: list[Object] = [{"apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": _READ}]
    rules += [_rule(group, plurals, _READ) for group, plurals in workload_plurals.items()]
    rules += [_rule(group, plurals, _WRITE) for group, plurals in policy_plurals.items()]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ROLE_NAME},
        "rules": rules,
    }


def cluster_role_binding(*, subject: Object) -> Object:
    """Bind the role to ``subject``, an RBAC subject (a service account or a user)."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE_NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE_NAME},
        "subjects": [subject],
    }


def _rule(group: str, plurals: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": sorted(set(plurals)), "verbs": verbs}
