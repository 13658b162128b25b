"""One Kubernetes API server: what it says, and careful writing to it."""

from connectors.kube.client import KubeClient
from connectors.kube.ownership import (
    FIELD_MANAGER,
    GENERATION_ANNOTATION,
    OWNER_LABEL,
    OWNER_VALUE,
    Change,
    changes,
    foreign_paths,
    generation_of,
    is_ours,
    last_change,
    last_foreign_change,
    managers_of,
)
from connectors.kube.reading import (
    ForeignPolicies,
    ForeignPolicy,
    KubeReader,
    Namespace,
    ObjectList,
    Readiness,
    ServerVersion,
    WorkloadCounts,
)
from connectors.kube.replies import Object
from connectors.kube.resources import CILIUM_POLICIES, NAMESPACES, NETWORK_POLICIES, PODS, Dialect, Resource

__all__ = [
    "CILIUM_POLICIES",
    "FIELD_MANAGER",
    "GENERATION_ANNOTATION",
    "NAMESPACES",
    "NETWORK_POLICIES",
    "OWNER_LABEL",
    "OWNER_VALUE",
    "PODS",
    "Change",
    "Dialect",
    "ForeignPolicies",
    "ForeignPolicy",
    "KubeClient",
    "KubeReader",
    "Namespace",
    "Object",
    "ObjectList",
    "Readiness",
    "Resource",
    "ServerVersion",
    "WorkloadCounts",
    "changes",
    "foreign_paths",
    "generation_of",
    "is_ours",
    "last_change",
    "last_foreign_change",
    "managers_of",
]
