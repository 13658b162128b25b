"""cilium.io/v2 CiliumNetworkPolicy: names, addresses and ICMP, a spec for each entry with its passport in the flow
log.

A rule holds one kind of destination only, ports are strings of which at most 40 stand together, and names are
learned from DNS answers that pass a rule with ``rules.dns`` which names its port. ``egress: [{}]`` denies
everything, while ``egress: []`` is refused by the agent and so leaves the namespace open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from policy.addresses import Network, canonical_network
from policy.bundles import Fidelity, Json, canonical_json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import (
    EXACT,
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    bytes_line,
    has_icmp,
    impossible,
    is_everything,
    judge_guardrails,
    metadata,
    narrowed,
    numbered_ports,
    settle,
    sized_chunks,
    worst,
)
from policy.selectors import LabelSelector
from policy.template import DnsAllowance, Template

DIALECT = "cilium"
GUARDRAILS_NAME = "sallyport-guardrails"
MAX_PORTS = 40
# Before 1.16 the agent knows no port ranges: they are written out, up to this many ports.
MAX_UNROLLED_PORTS = 400
# Before 1.19 '**.' means one label: any depth is written out this deep.
UNROLLED_DEPTH = 4
# Search domains put a whole name before the cluster's own.
CLUSTER_DEPTH = 8
_RESERVED_BYTES = 16_384
# The group of an entry's networks is named after its namespace too, which a rule alone does not know.
_GROUP = "{group}"
_ECHO_REQUEST = (("IPv4", 8), ("IPv6", 128))


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One spec of the policy; its description and log value carry the passport."""
    fidelity = worst(_judge(entry, capabilities=capabilities, template=template))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [_entry_spec(entry, capabilities=capabilities)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """One policy for the namespace: default deny, DNS, guardrails and a spec for each entry."""
    fitting, refused, account = _fit(renderings, capabilities=capabilities)
    placed = [replace(one, rules=_placed(one, namespace=namespace, capabilities=capabilities)) for one in fitting]
    names = _known_names(fitting, dns=template.dns, capabilities=capabilities)
    base = _base_spec(template, names=names, capabilities=capabilities)
    if capabilities.cluster_wide:
        base["endpointSelector"] = _within({}, namespace)
    budget = capabilities.max_object_bytes - _RESERVED_BYTES - len(canonical_json(base))
    chunks = list(sized_chunks(placed, budget=budget)) or [[]]
    objects = [
        _policy(chunk, part=part, capabilities=capabilities, template=template, namespace=namespace)
        for part, chunk in enumerate(chunks, start=1)
    ]
    objects[0]["specs"].insert(0, base)
    if capabilities.cidr_groups:
        grouped = [one for one in placed if not one.entry.destination.is_name]
        objects.extend(_group(one, template=template, namespace=namespace) for one in grouped)
    lines = (account, bytes_line(objects, limit=capabilities.max_object_bytes))
    return Assembly(tuple(objects), refused=refused, capacity=lines)


def cluster(*, capabilities: Capabilities, template: Template) -> tuple[Json, ...]:
    """The guardrails of the whole cluster: they deny whatever else allows, and isolate nobody by themselves."""
    guarded = template.guarded
    if not guarded:
        return ()
    spec: Json = {
        "description": f"sallyport {template.version}: addresses that nothing may reach",
        "endpointSelector": {},
        "egressDeny": [{"toCIDR": [canonical_network(network) for network in guarded.networks()]}],
    }
    if not capabilities.older_than("1.16"):
        spec["enableDefaultDeny"] = {"egress": False, "ingress": False}
    item = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": metadata(name=GUARDRAILS_NAME, template=template),
        "spec": spec,
    }
    return (item,)


def _placed(one: Rendering, *, namespace: str, capabilities: Capabilities) -> tuple[Json, ...]:
    """The rules of an entry once its namespace is known."""
    rules: tuple[Json, ...] = one.rules
    if capabilities.cluster_wide:
        rules = tuple(rule | {"endpointSelector": _within(rule["endpointSelector"], namespace)} for rule in rules)
    if capabilities.cidr_groups and not one.entry.destination.is_name:
        reference = [{"cidrGroupRef": _group_name(one, namespace=namespace)}]
        rules = tuple(rule | {"egress": [part | {"toCIDRSet": reference} for part in rule["egress"]]} for rule in rules)
    return rules


def _within(selector: Json, namespace: str) -> Json:
    labels = {"k8s:io.kubernetes.pod.namespace": namespace, **selector.get("matchLabels", {})}
    return {"matchLabels": labels}


def _group_name(one: Rendering, *, namespace: str) -> str:
    return f"{OBJECT_NAME}-{namespace}-{one.entry.passport.lower()}"


def _group(one: Rendering, *, template: Template, namespace: str) -> Json:
    networks = [canonical_network(network) for network in _pieces(one.entry.destination)]
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumCIDRGroup",
        "metadata": metadata(
            name=_group_name(one, namespace=namespace), template=template, passports=[one.entry.passport]
        ),
        "spec": {"externalCIDRs": networks},
    }


def _judge(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Iterator[Fidelity]:
    if entry.destination.is_name and not template.dns.ports:
        yield impossible("Cilium learns names from DNS only, and the template allows no DNS")
    yield _judge_depth(entry.destination, capabilities=capabilities)
    yield _judge_ports(entry.ports, capabilities=capabilities)
    if has_icmp(entry.ports):
        yield narrowed(
            "Cilium names ICMP by type: only echo requests (ping) are opened",
            f"icmp type 13 to {entry.destination.canonical}",
        )
    yield judge_guardrails(entry, template=template)
    if _guards_server_names(entry, capabilities=capabilities):
        yield narrowed("Ports of TLS also check the server name in the hello", "a connection to port 443 without TLS")


def _judge_depth(destination: Destination, *, capabilities: Capabilities) -> Fidelity:
    if destination.kind != "any-depth" or capabilities.at_least("1.19"):
        return EXACT
    deeper = ".".join([*"abcdefgh"[: UNROLLED_DEPTH + 1], destination.base])
    return narrowed(
        f"Cilium before 1.19 has no wildcard for any depth: {UNROLLED_DEPTH} labels are written out", deeper
    )


def _judge_ports(ports: Iterable[PortRange], *, capabilities: Capabilities) -> Fidelity:
    if capabilities.at_least("1.16"):
        return EXACT
    unrolled = sum(port.count for port in numbered_ports(ports))
    if unrolled <= MAX_UNROLLED_PORTS:
        return EXACT
    return impossible(f"Cilium before 1.16 has no port ranges, and {unrolled} ports are too many to write out")


def _entry_spec(entry: PolicyEntry, *, capabilities: Capabilities) -> Json:
    return {
        "description": f"{entry.passport} {entry.destination.canonical}",
        "endpointSelector": _selector(entry.workload),
        "egress": list(_egress(entry, capabilities=capabilities)),
        **_explicit(entry.passport, capabilities=capabilities),
    }


def _explicit(log_value: str, *, capabilities: Capabilities) -> Json:
    """What a server that knows these fields would default or could record; an older one refuses them."""
    found: Json = {}
    if not capabilities.older_than("1.16"):
        found["enableDefaultDeny"] = {"egress": True, "ingress": False}
    if not capabilities.older_than("1.18"):
        found["log"] = {"value": log_value}
    return found


def _selector(workload: LabelSelector) -> Json:
    if workload.is_empty:
        return {}
    return {"matchLabels": {f"k8s:{key}": value for key, value in workload.match_labels}}


def _egress(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Json]:
    where = _where(entry.destination, capabilities=capabilities)
    if is_everything(entry.ports):
        yield where
        return
    plain = numbered_ports(entry.ports)
    if _guards_server_names(entry, capabilities=capabilities):
        guarded = [port for port in plain if _is_tls(port, capabilities=capabilities)]
        names = _patterns(entry.destination, capabilities=capabilities)
        yield {**where, "toPorts": [{"ports": [_port(port) for port in guarded], "serverNames": names}]}
        plain = [port for port in plain if port not in guarded]
    ports = [_port(port) for port in _ranges(plain, capabilities=capabilities)]
    if ports:
        yield {**where, "toPorts": [{"ports": chunk} for chunk in _chunks(ports)]}
    if has_icmp(entry.ports):
        yield {**where, "icmps": [{"fields": _echo_fields(entry.destination)}]}


def _where(destination: Destination, *, capabilities: Capabilities) -> Json:
    if destination.network is None:
        return {"toFQDNs": [_fqdn(text) for text in _patterns(destination, capabilities=capabilities)]}
    if capabilities.cidr_groups:
        return {"toCIDRSet": [{"cidrGroupRef": _GROUP}]}
    item: Json = {"cidr": canonical_network(destination.network)}
    if destination.excepts:
        item["except"] = [canonical_network(hole) for hole in destination.excepts]
    return {"toCIDRSet": [item]}


def _patterns(destination: Destination, *, capabilities: Capabilities) -> list[str]:
    """The names and patterns of a destination, in the order in which they are written."""
    base = destination.base
    if destination.kind == "host":
        return [base]
    apex = [base] if destination.include_apex else []
    if destination.kind == "one-level":
        return [*apex, f"*.{base}"]
    if capabilities.at_least("1.19"):
        return [*apex, f"**.{base}"]
    return [*apex, *("*." * depth + base for depth in range(1, UNROLLED_DEPTH + 1))]


def _fqdn(text: str) -> Json:
    return {"matchPattern": text} if "*" in text else {"matchName": text}


def _guards_server_names(entry: PolicyEntry, *, capabilities: Capabilities) -> bool:
    if not capabilities.server_names or not entry.destination.is_name or is_everything(entry.ports):
        return False
    if entry.destination.is_wildcard and not capabilities.at_least("1.20"):
        return False
    return any(_is_tls(port, capabilities=capabilities) for port in entry.ports)


def _is_tls(port: PortRange, *, capabilities: Capabilities) -> bool:
    return port.protocol == "TCP" and port.first == port.last and port.first in capabilities.tls_ports


def _ranges(ports: Iterable[PortRange], *, capabilities: Capabilities) -> Iterator[PortRange]:
    for port in ports:
        if capabilities.at_least("1.16"):
            yield port
        else:
            first, last = port.span
            yield from (PortRange(port.protocol, number, number) for number in range(first, last + 1))


def _port(port: PortRange) -> Json:
    first, last = port.span
    found: Json = {"port": str(first), "protocol": port.protocol}
    if last != first:
        found["endPort"] = last
    return found


def _chunks(ports: list[Json]) -> Iterator[list[Json]]:
    for start in range(0, len(ports), MAX_PORTS):
        yield ports[start : start + MAX_PORTS]


def _echo_fields(destination: Destination) -> list[Json]:
    version = None if destination.network is None else f"IPv{destination.network.version}"
    return [{"family": family, "type": number} for family, number in _ECHO_REQUEST if version in (None, family)]


def _policy(
    chunk: Sequence[Rendering], *, part: int, capabilities: Capabilities, template: Template, namespace: str
) -> Json:
    specs = [rule for one in chunk for rule in one.rules]
    name = f"{OBJECT_NAME}-{namespace}" if capabilities.cluster_wide else OBJECT_NAME
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumClusterwideNetworkPolicy" if capabilities.cluster_wide else "CiliumNetworkPolicy",
        "metadata": metadata(
            name=name if part == 1 else f"{name}-part-{part}",
            namespace=None if capabilities.cluster_wide else namespace,
            template=template,
            passports=[one.entry.passport for one in chunk],
        ),
        "specs": specs,
    }


def _known_names(fitting: Sequence[Rendering], *, dns: DnsAllowance, capabilities: Capabilities) -> list[str]:
    """The patterns of names that pods may ask for."""
    if not dns.only_known_names:
        return ["*"]
    entries = [one.entry for one in fitting if one.entry.destination.is_name]
    found = {text for entry in entries for text in _patterns(entry.destination, capabilities=capabilities)}
    depths = ["**."] if capabilities.at_least("1.19") else ["*." * depth for depth in range(1, CLUSTER_DEPTH + 1)]
    return sorted(found | {depth + dns.cluster_domain for depth in depths})


def _base_spec(template: Template, *, names: Sequence[str], capabilities: Capabilities) -> Json:
    base: Json = {
        "description": f"sallyport {template.version}: deny egress by default, allow DNS",
        "endpointSelector": {},
        "egress": [{}, *_dns_rules(template.dns, names=names)],
        **_explicit(f"sallyport-{template.version}", capabilities=capabilities),
    }
    guarded = template.guarded
    if guarded:
        base["egressDeny"] = [{"toCIDR": [canonical_network(network) for network in guarded.networks()]}]
    return base


def _dns_rules(dns: DnsAllowance, *, names: Sequence[str]) -> Iterator[Json]:
    if not dns.ports:
        return
    ports = [{"port": str(port), "protocol": protocol} for port in sorted(dns.ports) for protocol in ("TCP", "UDP")]
    asked = [_fqdn(name) for name in names]
    to_ports = [{"ports": chunk, "rules": {"dns": asked}} for chunk in _chunks(ports)]
    labels = {f"k8s:{key}": value for key, value in dns.pod_labels}
    yield {
        "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": dns.namespace, **labels}}],
        "toPorts": to_ports,
    }
    if dns.addresses:
        yield {"toCIDR": list(dns.addresses), "toPorts": to_ports}
    if dns.node_local_addresses:
        # The cache listens on the node itself, and no CIDR matches a node.
        yield {"toEntities": ["host"], "toPorts": to_ports}


def _fit(
    renderings: Sequence[Rendering], *, capabilities: Capabilities
) -> tuple[list[Rendering], dict[str, Fidelity], CapacityLine]:
    """Entries that fit into the policy map of one endpoint, counted as if it had every label."""
    limit = capabilities.policy_map_entries
    fitting: list[Rendering] = []
    refused: dict[str, Fidelity] = {}
    used = needed = 0
    for one in renderings:
        if not one.rules:
            continue
        weight = _map_entries(one.entry, capabilities=capabilities)
        needed += weight
        if used + weight > limit:
            refused[one.entry.passport] = impossible(
                f"The policy map of an endpoint holds {limit} entries, and is full"
            )
            continue
        used += weight
        fitting.append(one)
    because = f"bpf-policy-map-max; a name is counted with {capabilities.addresses_per_name} addresses"
    return fitting, refused, CapacityLine("entries of an endpoint's policy map", needed, limit, because)


def _map_entries(entry: PolicyEntry, *, capabilities: Capabilities) -> int:
    destination = entry.destination
    peers = capabilities.addresses_per_name if destination.is_name else len(_pieces(destination))
    if is_everything(entry.ports):
        return peers
    ports = sum(_port_prefixes(port) for port in numbered_ports(entry.ports))
    return peers * (ports + (len(_echo_fields(destination)) if has_icmp(entry.ports) else 0))


def _pieces(destination: Destination) -> tuple[Network, ...]:
    return destination.addresses.networks()


def _port_prefixes(port: PortRange) -> int:
    """How many port prefixes a range takes: the map holds prefixes, as a routing table does."""
    first, last = port.span
    count = 0
    while first <= last:
        size = first & -first
        while first + size - 1 > last:
            size //= 2
        first += size
        count += 1
    return count


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble, cluster=cluster)
