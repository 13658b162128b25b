"""projectcalico.org/v3 NetworkPolicy, and its staged form, in the default tier.

There the end of the tier denies whatever a policy selected and none allowed, and policies of the standard kind,
which lie in the same tier at order 1000, still add up with ours as they do everywhere else. Names are a matter of
the Enterprise edition, whose ``*.x`` takes any depth; a rule has one protocol and one family of addresses.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
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
    deep_witness,
    has_icmp,
    impossible,
    is_everything,
    judge_guardrails,
    metadata,
    numbered_ports,
    settle,
    sized_chunks,
    widened,
    worst,
)
from policy.selectors import EVERY_POD, LabelSelector
from policy.template import DnsAllowance, Template

DIALECT = "calico"
TIER = "default"
GUARDRAIL_TIER = "sallyport-guardrails"
# Before the tiers of the admin kinds, which begin at 1,000.
GUARDRAIL_ORDER = 500
# Before the default tier, which is at 1,000,000.
ENTRY_TIER_ORDER = 500_000
# By this label a rule finds the set with the networks of its entry.
SET_LABEL = "sallyport.dev/networks-of"
ENTRY_ORDER = 900
# After the policies of the standard kind, so that the log shows what nobody allowed.
BASE_ORDER = 2_000
_RESERVED_BYTES = 16_384


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One rule for each protocol of the entry, with the passport as annotation of the rule."""
    guarded = judge_guardrails(entry, template=template)
    fidelity = worst([_judge(entry, capabilities=capabilities), guarded])
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: list(_rules(entry, capabilities=capabilities)))


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """A base policy with default deny and DNS, and policies with the entries of each workload selector."""
    objects = [_base(capabilities=capabilities, template=template, namespace=namespace)]
    for selector in sorted({one.entry.workload for one in renderings if one.rules}, key=str):
        chosen = [one for one in renderings if one.rules and one.entry.workload == selector]
        chunks = sized_chunks(chosen, budget=capabilities.max_object_bytes - _RESERVED_BYTES)
        objects.extend(
            _policy(
                f"{OBJECT_NAME}-{_suffix(selector)}-{part}",
                tier=capabilities.tier or TIER,
                egress=[rule for one in chunk for rule in one.rules],
                selector=selector,
                order=ENTRY_ORDER,
                passports=[one.entry.passport for one in chunk],
                capabilities=capabilities,
                template=template,
                namespace=namespace,
            )
            for part, chunk in enumerate(chunks, start=1)
        )
    if capabilities.network_sets:
        grouped = [one for one in renderings if one.rules and not one.entry.destination.is_name]
        objects.extend(_network_set(one, template=template, namespace=namespace) for one in grouped)
    return Assembly(tuple(objects), capacity=(bytes_line(objects, limit=capabilities.max_object_bytes),))


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Fidelity:
    destination = entry.destination
    if not destination.is_name:
        return EXACT
    if capabilities.edition != "enterprise":
        return impossible("Open-source Calico knows no names in policies", destination.canonical)
    if destination.kind == "one-level":
        return widened("A wildcard of Calico takes any depth, not one label", deep_witness(destination))
    return EXACT


def _rules(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Json]:
    where = _where(entry, capabilities=capabilities)
    note = {"annotations": {"sallyport.dev/passport": entry.passport}}
    if is_everything(entry.ports):
        yield {"action": "Allow", "destination": where, "metadata": note}
        return
    for protocol in ("TCP", "UDP", "SCTP"):
        ports = [port for port in numbered_ports(entry.ports) if port.protocol == protocol]
        if ports:
            numbers = [_port(port) for port in ports if not port.is_every_port]
            destination = {**where, "ports": numbers} if numbers else where
            yield {"action": "Allow", "protocol": protocol, "destination": destination, "metadata": note}
    if has_icmp(entry.ports):
        for version, protocol in _icmp_protocols(entry.destination):
            yield {
                "action": "Allow",
                "protocol": protocol,
                "ipVersion": version,
                "destination": where,
                "metadata": note,
            }


def _where(entry: PolicyEntry, *, capabilities: Capabilities) -> Json:
    destination = entry.destination
    if destination.network is None:
        return {"domains": _domains(destination)}
    if capabilities.network_sets:
        return {"selector": f"{SET_LABEL} == '{entry.passport}'"}
    where: Json = {"nets": [canonical_network(destination.network)]}
    if destination.excepts:
        where["notNets"] = [canonical_network(hole) for hole in destination.excepts]
    return where


def _domains(destination: Destination) -> list[str]:
    wildcard = [f"*.{destination.base}"] if destination.is_wildcard else []
    apex = [destination.base] if destination.kind == "host" or destination.include_apex else []
    return [*wildcard, *apex]


def _port(port: PortRange) -> int | str:
    first, last = port.span
    return first if first == last else f"{first}:{last}"


def _icmp_protocols(destination: Destination) -> list[tuple[int, str]]:
    families = [(4, "ICMP"), (6, "ICMPv6")]
    if destination.network is None:
        return families
    return [family for family in families if family[0] == destination.network.version]


def _base(*, capabilities: Capabilities, template: Template, namespace: str) -> Json:
    egress = list(_dns_rules(template.dns))
    if capabilities.log:
        egress.append({"action": "Log"})
    return _policy(
        OBJECT_NAME,
        tier=TIER,
        egress=egress,
        selector=EVERY_POD,
        order=BASE_ORDER,
        passports=(),
        capabilities=capabilities,
        template=template,
        namespace=namespace,
    )


def _dns_rules(dns: DnsAllowance) -> Iterator[Json]:
    ports: list[int] = sorted(dns.ports)
    if not ports:
        return
    labels = " && ".join(f"{key} == '{value}'" for key, value in sorted(dns.pod_labels))
    pods = {
        "namespaceSelector": f"projectcalico.org/name == '{dns.namespace}'",
        "selector": labels or "all()",
        "ports": ports,
    }
    for protocol in ("TCP", "UDP"):
        yield {"action": "Allow", "protocol": protocol, "destination": pods}
        for version in (4, 6):
            nets = [address for address in dns.addresses if ip_network(address).version == version]
            if nets:
                yield {"action": "Allow", "protocol": protocol, "destination": {"nets": nets, "ports": ports}}


def _policy(
    name: str,
    *,
    tier: str,
    egress: list[Json],
    selector: LabelSelector,
    order: int,
    passports: Iterable[str],
    capabilities: Capabilities,
    template: Template,
    namespace: str,
) -> Json:
    spec: Json = {
        "tier": tier,
        "order": order,
        "selector": _selector(selector),
        "types": ["Egress"],
        "egress": egress,
    }
    if capabilities.staged:
        spec["stagedAction"] = "Set"
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "StagedNetworkPolicy" if capabilities.staged else "NetworkPolicy",
        # Calico keeps a policy under the name of its tier; without it the object would be renamed and look foreign.
        "metadata": metadata(name=f"{tier}.{name}", namespace=namespace, template=template, passports=passports),
        "spec": spec,
    }


def _network_set(one: Rendering, *, template: Template, namespace: str) -> Json:
    described = metadata(
        name=f"{OBJECT_NAME}-{one.entry.passport.lower()}",
        namespace=namespace,
        template=template,
        passports=[one.entry.passport],
    )
    described["labels"][SET_LABEL] = one.entry.passport
    nets = [canonical_network(network) for network in one.entry.destination.addresses.networks()]
    return {"apiVersion": "projectcalico.org/v3", "kind": "NetworkSet", "metadata": described, "spec": {"nets": nets}}


def _selector(selector: LabelSelector) -> str:
    return " && ".join(f"{key} == '{value}'" for key, value in selector.match_labels) or "all()"


def _suffix(selector: LabelSelector) -> str:
    return "all" if selector.is_empty else selector.digest


def cluster(*, capabilities: Capabilities, template: Template) -> tuple[Json, ...]:
    """The tier of the entries, where they have one of their own, and the guardrails.

    Both tiers pass on what they do not decide. In the default tier, a policy that selects every pod of a cluster would
    close every pod of it.
    """
    objects: list[Json] = []
    if capabilities.tier not in ("", TIER):
        objects.append(_tier(capabilities.tier, order=ENTRY_TIER_ORDER, template=template))
    denials = [_denial(version, template=template) for version in (4, 6)]
    egress = [denial for denial in denials if denial["destination"]["nets"]]
    if egress:
        objects.append(_tier(GUARDRAIL_TIER, order=GUARDRAIL_ORDER, template=template))
        objects.append(_guardrails(egress, capabilities=capabilities, template=template))
    return tuple(objects)


def _tier(name: str, *, order: int, template: Template) -> Json:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": metadata(name=name, template=template),
        "spec": {"order": order, "defaultAction": "Pass"},
    }


def _denial(version: int, *, template: Template) -> Json:
    nets = [canonical_network(network) for network in template.guarded.networks() if network.version == version]
    return {"action": "Deny", "ipVersion": version, "destination": {"nets": nets}}


def _guardrails(egress: list[Json], *, capabilities: Capabilities, template: Template) -> Json:
    spec: Json = {
        "tier": GUARDRAIL_TIER,
        "order": 1,
        # Without a selector of namespaces the policy would hold host endpoints as well.
        "namespaceSelector": "all()",
        "selector": "all()",
        "types": ["Egress"],
        "egress": egress,
    }
    if capabilities.staged:
        spec["stagedAction"] = "Set"
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "StagedGlobalNetworkPolicy" if capabilities.staged else "GlobalNetworkPolicy",
        "metadata": metadata(name=f"{GUARDRAIL_TIER}.deny", template=template),
        "spec": spec,
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble, cluster=cluster)
