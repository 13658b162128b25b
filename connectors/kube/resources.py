"""Kinds of objects by what identifies them on a cluster: group, version and plural, never kind or short name alone."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from connectors.errors import UnusableName

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:")


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """One served resource. ``ClusterNetworkPolicy`` exists in three groups, so only the whole of it is a key."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> tuple[str, str, str]:
        return self.group, self.version, self.plural

    def path(self, *, namespace: str | None = None, name: str | None = None) -> str:
        """The request path of the collection, or of one object; ``namespace=None`` means all namespaces."""
        parts = [group_version_path(self.group, self.version)]
        if namespace is not None and self.namespaced:
            parts.append(f"namespaces/{segment(namespace)}")
        parts.append(self.plural)
        if name is not None:
            parts.append(segment(name))
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group or 'core'}/{self.version}"


def group_version_path(group: str, version: str) -> str:
    return f"/apis/{segment(group)}/{segment(version)}" if group else f"/api/{segment(version)}"


def segment(text: str) -> str:
    """``text`` as one path segment; raises ``UnusableName`` for what could leave its place.

    Escaping would not do: the API server resolves an escaped slash like a plain one.
    """
    if text in {"", ".", ".."} or not set(text) <= _NAME_CHARACTERS:
        raise UnusableName("A name on a cluster consists of letters, digits, and the characters - . _ :")
    return quote(text, safe="")


NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", namespaced=True)
CILIUM_POLICIES = Resource("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", namespaced=True)

#: What counts as a workload in an inventory.
WORKLOADS = (
    Resource("apps", "v1", "deployments", "Deployment", namespaced=True),
    Resource("apps", "v1", "statefulsets", "StatefulSet", namespaced=True),
    Resource("apps", "v1", "daemonsets", "DaemonSet", namespaced=True),
    Resource("batch", "v1", "cronjobs", "CronJob", namespaced=True),
)


_POLICY_API = "policy.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class DialectKind:
    """A resource that carries egress policy, and the dialect of the language that it belongs to."""

    dialect: str
    group: str
    plural: str
    versions: tuple[str, ...]
    #: Whether finding this resource is what shows that the cluster speaks the dialect.
    is_mark: bool = False


#: The names are those of the compilers in ``policy``; ``calico-crd`` alone has none, and says why Calico cannot be
#: written there: its storage group takes anything. Versions are in order of preference where several are served.
POLICY_KINDS = (
    DialectKind("networkpolicy", "networking.k8s.io", "networkpolicies", ("v1",), is_mark=True),
    DialectKind("cilium", "cilium.io", "ciliumnetworkpolicies", ("v2",), is_mark=True),
    DialectKind("cilium", "cilium.io", "ciliumclusterwidenetworkpolicies", ("v2",)),
    DialectKind("calico", "projectcalico.org", "networkpolicies", ("v3",), is_mark=True),
    DialectKind("calico", "projectcalico.org", "globalnetworkpolicies", ("v3",)),
    DialectKind("calico-crd", "crd.projectcalico.org", "networkpolicies", ("v1",), is_mark=True),
    DialectKind("calico-crd", "crd.projectcalico.org", "globalnetworkpolicies", ("v1",)),
    DialectKind("clusternetworkpolicy", _POLICY_API, "clusternetworkpolicies", ("v1alpha2", "v1beta1"), is_mark=True),
    DialectKind("adminnetworkpolicy", _POLICY_API, "adminnetworkpolicies", ("v1alpha1",), is_mark=True),
    DialectKind("adminnetworkpolicy", _POLICY_API, "baselineadminnetworkpolicies", ("v1alpha1",)),
    DialectKind("gke", "networking.gke.io", "fqdnnetworkpolicies", ("v1alpha1", "v1alpha3"), is_mark=True),
    DialectKind("ovn", "k8s.ovn.org", "egressfirewalls", ("v1",), is_mark=True),
    DialectKind("antrea", "crd.antrea.io", "networkpolicies", ("v1beta1",), is_mark=True),
    DialectKind("antrea", "crd.antrea.io", "clusternetworkpolicies", ("v1beta1",)),
    DialectKind("aws-networkpolicy", "networking.k8s.aws", "applicationnetworkpolicies", ("v1alpha1",), is_mark=True),
    DialectKind(
        "aws-clusternetworkpolicy", "networking.k8s.aws", "clusternetworkpolicies", ("v1alpha1",), is_mark=True
    ),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A policy dialect that a cluster serves, with every policy resource of it that was found, and the version of the
    agent that enforces it, where the cluster lets us see that."""

    name: str
    resources: tuple[Resource, ...]
    agent_version: str | None = None


def find_dialects(served: tuple[Resource, ...]) -> tuple[Dialect, ...]:
    """The dialects among ``served`` resources; Calico's storage group counts only where its real API is missing."""
    by_key = {resource.key: resource for resource in served}
    found: dict[str, list[Resource]] = {}
    for kind in POLICY_KINDS:
        keys = ((kind.group, version, kind.plural) for version in kind.versions)
        resource = next((by_key[key] for key in keys if key in by_key), None)
        if resource is not None and (kind.is_mark or kind.dialect in found):
            found.setdefault(kind.dialect, []).append(resource)
    if "calico" in found:
        found.pop("calico-crd", None)
    return tuple(Dialect(name, tuple(resources)) for name, resources in found.items())
