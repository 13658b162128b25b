"""Random clusters, policies and flows, small enough that rules and flows meet often."""

from hypothesis import strategies as st

NAMESPACES = ("shop", "bank")
KEYS, VALUES = ("app", "tier"), ("a", "b", "")
BLOCKS = ("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/30", "192.0.2.0/24", "192.0.2.0/25", "::/0", "2001:db8::/64")
NAMES = ("example.com", "a.example.com", "b.a.example.com", "other.test")
PORTS = (53, 80, 443, 8080)
PROTOCOLS = ("TCP", "UDP", "SCTP")

labels = st.fixed_dictionaries({}, optional={key: st.sampled_from(VALUES) for key in KEYS})
expressions = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(KEYS),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(KEYS),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
selectors = st.one_of(
    st.just({}),
    st.builds(lambda found: {"matchLabels": found}, labels.filter(bool)),
    st.builds(lambda found: {"matchExpressions": found}, st.lists(expressions, min_size=1, max_size=2)),
)


def optional(**fields):
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def clusters(draw):
    pods = []
    for place, namespace in enumerate(("shop", "shop", "bank")):
        port = {
            "name": "web",
            "containerPort": draw(st.sampled_from(PORTS)),
            "protocol": draw(st.sampled_from(PROTOCOLS)),
        }
        pods.append(
            {
                "namespace": namespace,
                "name": f"p{place}",
                "labels": draw(labels),
                "ip": f"10.0.0.{place + 1}" if place != 2 else draw(st.sampled_from(["10.9.0.1", "2001:db8::9"])),
                "ports": [port] if draw(st.booleans()) else [],
            }
        )
    return {"namespaces": {namespace: draw(labels) for namespace in NAMESPACES}, "pods": pods}


ip_blocks = st.one_of(
    st.builds(lambda cidr: {"ipBlock": {"cidr": cidr}}, st.sampled_from(BLOCKS)),
    st.just({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/25", "10.0.0.0/30"]}}),
)
network_peers = st.one_of(
    ip_blocks,
    st.builds(lambda found: {"podSelector": found}, selectors),
    st.builds(lambda found: {"namespaceSelector": found}, selectors),
    st.builds(lambda one, two: {"namespaceSelector": one, "podSelector": two}, selectors, selectors),
)
network_ports = st.one_of(
    st.fixed_dictionaries({"port": st.sampled_from(PORTS)}, optional={"protocol": st.sampled_from(PROTOCOLS)}),
    st.fixed_dictionaries({"protocol": st.sampled_from(PROTOCOLS)}),
    st.just({"port": "web"}),
    st.just({"port": 80, "endPort": 443, "protocol": "TCP"}),
)


def network_rules(field):
    return optional(**{field: st.lists(network_peers, max_size=2), "ports": st.lists(network_ports, max_size=2)})


@st.composite
def network_policies(draw):
    spec = {"podSelector": draw(selectors)}
    spec |= draw(
        optional(
            egress=st.lists(network_rules("to"), max_size=2),
            ingress=st.lists(network_rules("from"), max_size=2),
            policyTypes=st.lists(st.sampled_from(["Egress", "Ingress"]), min_size=1, max_size=2, unique=True),
        )
    )
    return _named(draw, "networking.k8s.io/v1", "NetworkPolicy", spec, draw(st.sampled_from(NAMESPACES)))


cilium_keys = st.sampled_from(["app", "k8s:tier", "any:app", "k8s:io.cilium.k8s.namespace.labels.tier"])
cilium_selectors = st.one_of(
    st.just({}),
    st.builds(lambda key, value: {"matchLabels": {key: value}}, cilium_keys, st.sampled_from(VALUES)),
    st.just({"matchLabels": {"k8s:io.kubernetes.pod.namespace": "bank"}}),
    st.builds(
        lambda key, operator: {"matchExpressions": [{"key": key, "operator": operator}]},
        cilium_keys,
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
cilium_ports = st.builds(
    lambda ports: [{"ports": ports}],
    st.lists(
        st.one_of(
            st.builds(
                lambda port, protocol: {"port": str(port), "protocol": protocol},
                st.sampled_from([0, *PORTS]),
                st.sampled_from([*PROTOCOLS, "ANY"]),
            ),
            st.just({"port": "web"}),
            st.just({"port": "80", "endPort": 443, "protocol": "TCP"}),
        ),
        min_size=1,
        max_size=2,
    ),
)


def cilium_rules(prefix, *, denies=False):
    kinds = {
        "Endpoints": st.lists(cilium_selectors, max_size=2),
        "CIDR": st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=2, unique=True),
        "CIDRSet": st.just([{"cidr": "192.0.2.0/24", "except": ["192.0.2.0/25"]}]),
        "Entities": st.lists(st.sampled_from(["all", "world", "cluster"]), min_size=1, max_size=2, unique=True),
    }
    if prefix == "to" and not denies:
        kinds["FQDNs"] = st.lists(
            st.one_of(
                st.builds(lambda name: {"matchName": name}, st.sampled_from(NAMES)),
                st.builds(
                    lambda stars, name: {"matchPattern": f"{stars}.{name}"},
                    st.sampled_from(["*", "**"]),
                    st.sampled_from(NAMES),
                ),
            ),
            min_size=1,
            max_size=2,
        )
    named = [st.builds(lambda found, kind=kind: {f"{prefix}{kind}": found}, written) for kind, written in kinds.items()]
    return st.builds(
        lambda peer, ports: {**peer, **ports}, st.one_of(st.just({}), *named), optional(toPorts=cilium_ports)
    )


@st.composite
def cilium_policies(draw):
    section = draw(st.sampled_from(["egress", "ingress"]))
    prefix = "to" if section == "egress" else "from"
    spec = {"endpointSelector": draw(selectors), section: draw(st.lists(cilium_rules(prefix), min_size=1, max_size=2))}
    if draw(st.booleans()):
        spec[f"{section}Deny"] = draw(st.lists(cilium_rules(prefix, denies=True), min_size=1, max_size=1))
    if draw(st.booleans()):
        spec["enableDefaultDeny"] = {section: draw(st.booleans())}
    if draw(st.booleans()):
        return _named(draw, "cilium.io/v2", "CiliumClusterwideNetworkPolicy", spec, None)
    return _named(draw, "cilium.io/v2", "CiliumNetworkPolicy", spec, draw(st.sampled_from(NAMESPACES)))


admin_peers = st.one_of(
    st.builds(
        lambda found: {"networks": found}, st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=2, unique=True)
    ),
    st.builds(lambda found: {"namespaces": found}, selectors),
    st.builds(lambda one, two: {"pods": {"namespaceSelector": one, "podSelector": two}}, selectors, selectors),
    st.just({"domainNames": ["*.example.com"]}),
)
inside_peers = st.builds(lambda found: {"namespaces": found}, selectors)
admin_protocols = st.lists(
    st.one_of(
        st.builds(
            lambda protocol, port: {protocol: {"destinationPort": {"number": port}}},
            st.sampled_from(["tcp", "udp", "sctp"]),
            st.sampled_from(PORTS),
        ),
        st.just({"tcp": {"destinationPort": {"range": {"start": 80, "end": 443}}}}),
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def admin_rules(draw, *, field):
    peers = admin_peers if field == "to" else inside_peers
    action = draw(st.sampled_from(["Accept", "Deny", "Pass"]))
    found = draw(st.lists(peers, min_size=1, max_size=2))
    if action != "Accept":
        found = [peer for peer in found if "domainNames" not in peer] or [{"namespaces": {}}]
    return {"action": action, field: found, **draw(optional(protocols=admin_protocols))}


@st.composite
def cluster_policies(draw):
    tier = draw(st.sampled_from(["Admin", "Baseline"]))
    spec = {"tier": tier, "subject": draw(st.one_of(st.just({"namespaces": {}}), _subjects))}
    field, section = draw(st.sampled_from([("to", "egress"), ("from", "ingress")]))
    spec[section] = draw(st.lists(admin_rules(field=field), min_size=1, max_size=3))
    return _named(draw, "policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", spec, None)


_subjects = st.builds(lambda one, two: {"pods": {"namespaceSelector": one, "podSelector": two}}, selectors, selectors)
calico_ends = optional(
    nets=st.sampled_from([["10.0.0.0/8"], ["192.0.2.0/24"], ["0.0.0.0/0"], ["2001:db8::/64"]]),
    selector=st.sampled_from(["all()", "app == 'a'", "tier == 'b'"]),
)


@st.composite
def calico_rules(draw, *, section):
    rule = {"action": draw(st.sampled_from(["Allow", "Deny", "Pass"]))}
    end = draw(calico_ends)
    rule["destination" if section == "egress" else "source"] = end
    if draw(st.booleans()):
        rule["protocol"] = draw(st.sampled_from(PROTOCOLS))
        if draw(st.booleans()):
            rule.setdefault("destination", {})["ports"] = draw(st.sampled_from([[443], ["80:443"], [53, 8080]]))
    return rule


@st.composite
def calico_policies(draw):
    section = draw(st.sampled_from(["egress", "ingress"]))
    spec = {
        "types": [section.capitalize()],
        "selector": draw(st.sampled_from(["all()", "app == 'a'", "tier == ''"])),
        section: draw(st.lists(calico_rules(section=section), max_size=3)),
    }
    spec |= draw(optional(order=st.sampled_from([1, 999, 1000, 2000]), tier=st.sampled_from(["early", "late"])))
    if draw(st.booleans()):
        return _named(draw, "projectcalico.org/v3", "GlobalNetworkPolicy", spec, None)
    return _named(draw, "projectcalico.org/v3", "NetworkPolicy", spec, draw(st.sampled_from(NAMESPACES)))


TIERS = [
    {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": "early"}, "spec": {"order": 5000}},
    {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": {"name": "late"},
        "spec": {"order": 2_000_000, "defaultAction": "Pass"},
    },
]


def _named(draw, version, kind, spec, namespace):
    about = {"name": "x"} if namespace is None else {"name": "x", "namespace": namespace}
    return {"apiVersion": version, "kind": kind, "metadata": about, "spec": spec}


def numbered(policies):
    """Names and priorities that are all different, so that no order is left open."""
    found = []
    for place, policy in enumerate(policies):
        spec = policy["spec"] | ({"priority": place} if policy["kind"] == "ClusterNetworkPolicy" else {})
        tier = spec.get("tier") if policy["apiVersion"].startswith("projectcalico") else None
        name = f"{tier}.n{place}" if tier else f"n{place}"
        found.append({**policy, "metadata": {**policy["metadata"], "name": name}, "spec": spec})
    return found


places = st.one_of(
    st.sampled_from(
        [{"namespace": "shop", "pod": "p0"}, {"namespace": "shop", "pod": "p1"}, {"namespace": "bank", "pod": "p2"}]
    ),
    st.sampled_from([{"ip": "192.0.2.1"}, {"ip": "192.0.2.200"}, {"ip": "8.8.8.8"}, {"ip": "2001:db8::1"}]),
    st.builds(
        lambda name, address: {"fqdn": name, **address},
        st.sampled_from(NAMES),
        st.sampled_from([{}, {"ip": "192.0.2.1"}, {"ip": "10.0.0.2"}]),
    ),
)
flows = st.fixed_dictionaries(
    {
        "src": st.sampled_from(
            [{"namespace": "shop", "pod": "p0"}, {"namespace": "bank", "pod": "p2"}, {"ip": "192.0.2.1"}]
        ),
        "dst": places,
        "port": st.sampled_from(PORTS),
        "protocol": st.sampled_from(PROTOCOLS),
    }
)
kubernetes = st.lists(st.one_of(network_policies(), cilium_policies(), cluster_policies()), max_size=4).map(numbered)
calico = st.builds(
    lambda found: numbered(found) + TIERS,
    st.lists(st.one_of(network_policies(), calico_policies(), calico_policies(), cluster_policies()), max_size=4),
)
