"""AWS Network Firewall: Suricata rules in strict order, or domain lists where that is the house's style.

A name is matched by what the client writes (TLS server name, HTTP host), so only those two protocols can be opened
for it. ``dotprefix`` makes a suffix match take the apex as well, and is left out where the apex was not approved. A
domain list has neither ports nor passports and its leading dot always takes the apex. What no rule passes is
dropped and reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.destinations import Destination
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    deep_witness,
    impossible,
    is_everything,
    judge_workload,
    metadata,
    narrowed,
    settle,
    tcp_ports,
    widened,
    worst,
)
from policy.template import DnsAllowance, Template

DIALECT = "aws-nfw"
API_VERSION = "sallyport.dev/v1"
MAX_RULES_PER_POLICY = 30_000
MAX_GROUPS = 50
MAX_GROUP_TEXT = 2_000_000
SID_BASE = 1_000_000_000
# Room for the rules of one entry between the numbers of two passports.
SIDS_PER_ENTRY = 64
_DNS_SID = SID_BASE - 1_000
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NAME_BUFFERS = (("tls", "tls.sni"), ("http", "http.host"))


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """Pass rules whose message is the passport and whose number is made from it."""
    if capabilities.rule_style == "domain-list":
        fidelity = worst(_judge_list(entry))
        return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [{"lines": _targets(entry.destination)}])
    fidelity = worst(_judge(entry))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [{"lines": list(_rules(entry))}])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """Rule groups of a capacity that is fixed for ever, and the policy that orders them and drops the rest."""
    is_list = capabilities.rule_style == "domain-list"
    pack = _Pack(capabilities, leading=() if is_list else tuple(_dns_rules(template.dns)))
    for one in renderings:
        pack.add(one)
    groups = [group for group in pack.groups if group.lines]
    objects = [
        _group(group, part=part, capabilities=capabilities, template=template, namespace=namespace)
        for part, group in enumerate(groups, start=1)
    ]
    objects.append(_policy(len(groups), capabilities=capabilities, template=template, namespace=namespace))
    because = "capacity of a rule group can never change"
    limit = min(MAX_RULES_PER_POLICY, MAX_GROUPS * capabilities.rule_group_capacity)
    account = CapacityLine("rules of the firewall policy", pack.needed, limit, because)
    return Assembly(tuple(objects), refused=pack.refused, capacity=(account,))


@dataclass(slots=True)
class _Group:
    lines: list[str] = field(default_factory=list)
    passports: list[str] = field(default_factory=list)
    size: int = 0


class _Pack:
    """Rules spread over groups, each entry within one group."""

    def __init__(self, capabilities: Capabilities, *, leading: Sequence[str]) -> None:
        self.capabilities = capabilities
        self.groups = [_Group(lines=list(leading), size=_text_size(leading))]
        self.refused: dict[str, Fidelity] = {}
        self.needed = self.used = len(leading)

    def add(self, one: Rendering) -> None:
        lines = [line for rule in one.rules for line in rule["lines"]]
        if not lines:
            return
        self.needed += len(lines)
        if self.used + len(lines) > MAX_RULES_PER_POLICY or not self._make_room(lines):
            reason = f"A firewall policy holds {MAX_RULES_PER_POLICY} rules in {MAX_GROUPS} groups, and is full"
            self.refused[one.entry.passport] = impossible(reason)
            return
        self.used += len(lines)
        group = self.groups[-1]
        group.lines.extend(lines)
        group.passports.append(one.entry.passport)
        group.size += _text_size(lines)

    def _make_room(self, lines: Sequence[str]) -> bool:
        """Whether the last group takes the lines, if need be after another group was begun."""
        capacity = self.capabilities.rule_group_capacity
        last = self.groups[-1]
        if len(last.lines) + len(lines) <= capacity and last.size + _text_size(lines) <= MAX_GROUP_TEXT:
            return True
        if len(lines) > capacity or len(self.groups) == MAX_GROUPS:
            return False
        self.groups.append(_Group())
        return True


def _judge(entry: PolicyEntry) -> Iterator[Fidelity]:
    yield judge_workload(entry, because="A network firewall sees addresses of nodes, not labels of pods")
    if not entry.destination.is_name:
        return
    others = [port for port in entry.ports if port.protocol not in ("TCP", "ANY")]
    witness = f"{others[0] if others else 'tcp'} to {entry.destination.canonical} that is neither TLS nor HTTP"
    reason = "A name is seen in TLS and HTTP only"
    yield narrowed(reason, witness) if tcp_ports(entry.ports) else impossible(reason, witness)


def _judge_list(entry: PolicyEntry) -> Iterator[Fidelity]:
    destination = entry.destination
    if not destination.is_name:
        yield impossible("A domain list holds names only", destination.canonical)
        return
    yield from _judge(entry)
    if not any(port.is_every_port for port in tcp_ports(entry.ports)):
        yield widened("A domain list names no ports", f"{destination.base} on port 8443")
    if destination.kind == "one-level":
        yield widened("A leading dot takes any depth", deep_witness(destination))
    if destination.is_wildcard and not destination.include_apex:
        yield widened("A leading dot takes the apex as well", destination.base)


def _targets(destination: Destination) -> list[str]:
    return [destination.base if destination.kind == "host" else f".{destination.base}"]


def _rules(entry: PolicyEntry) -> Iterator[str]:
    found = _name_rules(entry) if entry.destination.is_name else _address_rules(entry)
    for position, (head, options) in enumerate(found):
        sid = SID_BASE + _number(entry.passport) * SIDS_PER_ENTRY + position
        message = f"{entry.passport} {entry.destination.canonical}"[:200]
        yield f'pass {head} (msg:"{message}"; {options}sid:{sid}; rev:1;)'


def _name_rules(entry: PolicyEntry) -> Iterator[tuple[str, str]]:
    ports = _port_list(tcp_ports(entry.ports))
    for protocol, buffer in _NAME_BUFFERS:
        head = f"{protocol} $HOME_NET any -> any {ports}"
        # The buffer of HTTP is in lower case already, and Suricata refuses "nocase" there.
        options = _match(entry.destination, fold_case=protocol == "tls")
        yield head, f"flow:to_server; {buffer}; {options} "


def _match(destination: Destination, *, fold_case: bool) -> str:
    base = destination.base
    nocase, flag = (" nocase;", "i") if fold_case else ("", "")
    if destination.kind == "host":
        return f'content:"{base}"; startswith; endswith;{nocase}'
    if destination.kind == "one-level":
        label = r"([^.]+\.)?" if destination.include_apex else r"[^.]+\."
        escaped = base.replace(".", r"\.")
        return f'content:"{base}"; endswith;{nocase} pcre:"/^{label}{escaped}$/{flag}";'
    if destination.include_apex:
        return f'dotprefix; content:".{base}"; endswith;{nocase}'
    return f'content:".{base}"; endswith;{nocase}'


def _address_rules(entry: PolicyEntry) -> Iterator[tuple[str, str]]:
    where = _address_list(entry.destination)
    if is_everything(entry.ports):
        yield f"ip $HOME_NET any -> {where} any", ""
        return
    for protocol in ("TCP", "UDP", "SCTP", "ICMP"):
        ports = [port for port in entry.ports if port.protocol == protocol]
        if ports:
            listed = "any" if protocol == "ICMP" else _port_list(ports)
            yield f"{protocol.lower()} $HOME_NET any -> {where} {listed}", ""


def _address_list(destination: Destination) -> str:
    if destination.network is None:
        raise ValueError(f"{destination.canonical} has no addresses")
    network = canonical_network(destination.network)
    if not destination.excepts:
        return network
    holes = ",".join(f"!{canonical_network(hole)}" for hole in destination.excepts)
    return f"[{network},{holes}]"


def _port_list(ports: Sequence[PortRange]) -> str:
    if any(port.is_every_port for port in ports):
        return "any"
    texts = [str(port.first) if port.first == port.last else f"{port.first}:{port.last}" for port in ports]
    return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"


def _number(passport: str) -> int:
    number = 0
    for letter in passport.removeprefix("SP-"):
        number = number * 32 + _ALPHABET.index(letter)
    return number


def _dns_rules(dns: DnsAllowance) -> Iterator[str]:
    """Queries to the resolver of the VPC never reach the firewall; other resolvers are passed here."""
    sid = _DNS_SID
    for address in dns.addresses:
        for port in sorted(dns.ports):
            for protocol in ("tcp", "udp"):
                yield f'pass {protocol} $HOME_NET any -> {address} {port} (msg:"sallyport dns"; sid:{sid}; rev:1;)'
                sid += 1


def _text_size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _group(group: _Group, *, part: int, capabilities: Capabilities, template: Template, namespace: str) -> Json:
    rule_group: Json = {
        "RulesSource": _source(group.lines, capabilities=capabilities),
        "StatefulRuleOptions": {"RuleOrder": "STRICT_ORDER"},
    }
    if capabilities.sources:
        # The default covers the firewall's own VPC only, not the spokes behind a transit gateway.
        rule_group["RuleVariables"] = {"IPSets": {"HOME_NET": {"Definition": sorted(capabilities.sources)}}}
    name = f"{OBJECT_NAME}-{part}"
    return {
        "apiVersion": API_VERSION,
        "kind": "NetworkFirewallRuleGroup",
        "metadata": metadata(name=name, namespace=namespace, template=template, passports=group.passports),
        "spec": {
            "RuleGroupName": name,
            "Type": "STATEFUL",
            "Capacity": capabilities.rule_group_capacity,
            "RuleGroup": rule_group,
        },
    }


def _source(lines: Sequence[str], *, capabilities: Capabilities) -> Json:
    if capabilities.rule_style == "suricata":
        return {"RulesString": "\n".join(lines)}
    return {
        "RulesSourceList": {
            "Targets": sorted(_minimal(lines)),
            "TargetTypes": ["HTTP_HOST", "TLS_SNI"],
            "GeneratedRulesType": "ALERTLIST" if capabilities.staged else "ALLOWLIST",
        }
    }


def _minimal(targets: Sequence[str]) -> set[str]:
    """Without names that a leading dot in the same list takes already."""
    wide = {target for target in targets if target.startswith(".")}
    return {target for target in set(targets) if not any(_is_taken(target, by=other) for other in wide)}


def _is_taken(target: str, *, by: str) -> bool:
    return target != by and ("." + target.removeprefix(".")).endswith(by)


def _policy(count: int, *, capabilities: Capabilities, template: Template, namespace: str) -> Json:
    references = [{"RuleGroupName": f"{OBJECT_NAME}-{part}", "Priority": part * 100} for part in range(1, count + 1)]
    # Staged, what no rule passes is reported and let through.
    defaults = ["aws:alert_established"] if capabilities.staged else ["aws:drop_established", "aws:alert_established"]
    return {
        "apiVersion": API_VERSION,
        "kind": "NetworkFirewallPolicy",
        "metadata": metadata(name=OBJECT_NAME, namespace=namespace, template=template),
        "spec": {
            "StatefulRuleGroupReferences": references,
            "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"},
            "StatefulDefaultActions": defaults,
            "StatelessDefaultActions": ["aws:forward_to_sfe"],
            "StatelessFragmentDefaultActions": ["aws:forward_to_sfe"],
        },
    }


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
