"""Short ways to write a cluster, manifests and questions; every default is the most ordinary case."""

from policy.simulation import ClusterState, Flow, Simulator

CLUSTER = {
    "namespaces": {"shop": {"team": "a", "env": "prod"}, "bank": {"team": "b"}, "kube-system": {}},
    "pods": [
        {"namespace": "shop", "name": "web", "labels": {"app": "web"}, "ip": "10.0.0.1", "nodeName": "node-1"},
        {
            "namespace": "shop",
            "name": "db",
            "labels": {"app": "db", "tier": ""},
            "ip": "10.0.0.2",
            "nodeName": "node-2",
            "ports": [{"name": "sql", "containerPort": 5432, "protocol": "TCP"}],
        },
        {"namespace": "bank", "name": "api", "labels": {"app": "api"}, "ips": ["10.0.1.1", "fd00::11"]},
        {
            "namespace": "bank",
            "name": "other",
            "labels": {"app": "other"},
            "ip": "10.0.1.2",
            "ports": [{"name": "sql", "containerPort": 9999}, {"name": "sql", "containerPort": 53, "protocol": "UDP"}],
        },
        {
            "namespace": "kube-system",
            "name": "dns",
            "labels": {"k8s-app": "kube-dns"},
            "ip": "10.0.2.53",
            "ports": [
                {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
            ],
        },
        {
            "namespace": "kube-system",
            "name": "agent",
            "labels": {"app": "agent"},
            "ip": "172.16.0.1",
            "hostNetwork": True,
            "nodeName": "node-1",
        },
    ],
    "nodes": [
        {"name": "node-1", "labels": {"role": "worker"}, "ip": "172.16.0.1"},
        {"name": "node-2", "labels": {"role": "control"}, "ip": "172.16.0.2"},
    ],
    "services": [
        {
            "namespace": "shop",
            "name": "db",
            "clusterIP": "10.96.0.2",
            "selector": {"app": "db"},
            "ports": [{"port": 15432, "targetPort": "sql"}],
        },
        {"namespace": "shop", "name": "elsewhere", "clusterIP": "10.96.0.3", "ports": [{"port": 443}]},
    ],
    "podCIDRs": ["10.0.0.0/16"],
}

WEB = {"namespace": "shop", "pod": "web"}
DB = {"namespace": "shop", "pod": "db"}
API = {"namespace": "bank", "pod": "api"}
OTHER = {"namespace": "bank", "pod": "other"}
DNS = {"namespace": "kube-system", "pod": "dns"}
OUTSIDE = {"ip": "192.0.2.1"}
KUBE_DNS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}, "podSelector": {}}


def metadata(name, namespace=None):
    return {"name": name} if namespace is None else {"name": name, "namespace": namespace}


def network_policy(name="policy", *, namespace="shop", selector=None, types=("Egress",), **sections):
    spec = {"podSelector": selector or {}, **sections}
    if types is not None:
        spec["policyTypes"] = list(types)
    return _manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(name, namespace), spec)


def cilium_policy(name="policy", *, namespace="shop", selector=None, **spec):
    spec = {"endpointSelector": selector or {}, **spec}
    return _manifest("cilium.io/v2", "CiliumNetworkPolicy", metadata(name, namespace), spec)


def cilium_clusterwide(name="policy", *, selector=None, **spec):
    spec = {"endpointSelector": selector or {}, **spec}
    return _manifest("cilium.io/v2", "CiliumClusterwideNetworkPolicy", metadata(name), spec)


def calico_policy(name="policy", *, namespace="shop", **spec):
    return _manifest("projectcalico.org/v3", "NetworkPolicy", metadata(name, namespace), spec)


def calico_global(name="policy", **spec):
    return _manifest("projectcalico.org/v3", "GlobalNetworkPolicy", metadata(name), spec)


def calico_tier(name, **spec):
    return _manifest("projectcalico.org/v3", "Tier", metadata(name), spec)


def cluster_policy(name="policy", *, tier="Admin", priority=10, subject=None, **sections):
    spec = {"tier": tier, "priority": priority, "subject": subject or {"namespaces": {}}, **sections}
    return _manifest("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", metadata(name), spec)


def admin_policy(name="policy", *, priority=10, subject=None, **sections):
    spec = {"priority": priority, "subject": subject or {"namespaces": {}}, **sections}
    return _manifest("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", metadata(name), spec)


def baseline_policy(*, subject=None, **sections):
    spec = {"subject": subject or {"namespaces": {}}, **sections}
    return _manifest("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", metadata("default"), spec)


def _manifest(version, kind, about, spec):
    return {"apiVersion": version, "kind": kind, "metadata": about, "spec": spec}


def block(cidr, *holes):
    return {"ipBlock": {"cidr": cidr, "except": list(holes)} if holes else {"cidr": cidr}}


def labels(**pairs):
    return {"matchLabels": pairs}


def expression(key, operator, *values):
    found = {"key": key, "operator": operator}
    return {"matchExpressions": [found | {"values": list(values)} if values else found]}


def judge(*policies, dst=None, src=WEB, port=443, protocol="TCP", profile="api", cluster=None, **more):
    flow = {"src": src, "dst": OUTSIDE if dst is None else dst, "protocol": protocol, **more}
    if port is not None:
        flow["port"] = port
    simulator = Simulator(cluster=ClusterState.from_document(cluster or CLUSTER), policies=policies, profile=profile)
    return simulator.judge(Flow.from_document(flow))


def answer(*policies, **question):
    """The verdict alone."""
    return str(judge(*policies, **question).answer)
