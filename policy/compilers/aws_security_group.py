"""Security groups of EC2: rules for addresses only, a union without any denial, with the passport in each description.

Default deny is the removal of the rule that a new group has. IPv4 and IPv6 have quotas of their own, and a prefix
list counts as the largest size it may ever have, so lists are made exactly as large as they need to be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from policy.addresses import canonical_network
from policy.bundles import Fidelity, Json
from policy.capabilities import Capabilities
from policy.capacity import CapacityLine
from policy.entries import PolicyEntry
from policy.ports import PortRange
from policy.rendering import (
    OBJECT_NAME,
    Assembly,
    Compiler,
    Rendering,
    impossible,
    is_everything,
    judge_workload,
    metadata,
    narrowed,
    settle,
    worst,
)
from policy.template import DnsAllowance, Template

DIALECT = "aws-security-group"
API_VERSION = "sallyport.dev/v1"
# From this many networks on, an entry's networks stand in a prefix list of its own.
PREFIX_LIST_FROM = 4


def render(entry: PolicyEntry, *, capabilities: Capabilities, template: Template) -> Rendering:
    """One rule for each range of ports: the networks in it, or a reference to the entry's prefix list."""
    fidelity = worst(_judge(entry, capabilities=capabilities))
    return settle(entry, fidelity, dialect=DIALECT, rules=lambda: [_rule(entry)])


def assemble(
    renderings: Sequence[Rendering], *, capabilities: Capabilities, template: Template, namespace: str
) -> Assembly:
    """Rules spread over as many groups as an interface may have, and the prefix lists they refer to."""
    groups = [_Group(capabilities.rules_per_group) for _ in range(capabilities.groups_per_interface)]
    _reserve_dns(groups[0], dns=template.dns)
    refused: dict[str, Fidelity] = {}
    placed: list[Rendering] = []
    for one in renderings:
        if not one.rules:
            continue
        group = next((group for group in groups if group.has_room(one)), None)
        if group is None:
            refused[one.entry.passport] = impossible("The security groups of an interface are full")
            continue
        group.take(one)
        placed.append(one)
    objects = [_groups_object(groups, placed=placed, template=template, namespace=namespace)]
    objects.extend(
        _prefix_list(one, template=template, namespace=namespace) for one in placed if "list" in one.rules[0]
    )
    return Assembly(tuple(objects), refused=refused, capacity=_account(renderings, capabilities=capabilities))


def _judge(entry: PolicyEntry, *, capabilities: Capabilities) -> Iterator[Fidelity]:
    destination = entry.destination
    if destination.is_name:
        yield impossible("A security group knows addresses only", destination.canonical)
        return
    yield judge_workload(entry, because="A security group concerns every pod behind the interface")
    networks = len(destination.addresses.networks())
    if networks > capabilities.prefix_list_size:
        yield impossible(f"{networks} networks are more than a prefix list of {capabilities.prefix_list_size} holds")
    # Only TCP and UDP have ports here: other protocols are opened whole or not at all.
    partial = [port for port in entry.ports if port.protocol == "SCTP" and not port.is_every_port]
    if partial:
        witness = f"{partial[0]} to {destination.canonical}"
        reason = "Security groups know no ports of SCTP"
        yield narrowed(reason, witness) if len(partial) < len(entry.ports) else impossible(reason, witness)


def _rule(entry: PolicyEntry) -> Json:
    networks = [canonical_network(network) for network in entry.destination.addresses.networks()]
    family = 6 if entry.destination.network is not None and entry.destination.network.version == 6 else 4
    ports = [_protocol(port, family=family) for port in entry.ports if port.protocol != "SCTP" or port.is_every_port]
    if is_everything(entry.ports):
        ports = [{"IpProtocol": "-1"}]
    found: Json = {"family": family, "ports": ports, "networks": networks, "description": _description(entry)}
    if len(networks) >= PREFIX_LIST_FROM:
        found["list"] = f"{OBJECT_NAME}-{entry.passport.lower()}"
    return found


def _protocol(port: PortRange, *, family: int) -> Json:
    if port.protocol == "ICMP":
        return {"IpProtocol": "icmp" if family == 4 else "icmpv6", "FromPort": -1, "ToPort": -1}
    if port.protocol == "SCTP":
        return {"IpProtocol": "132"}
    first, last = port.span
    return {"IpProtocol": port.protocol.lower(), "FromPort": first, "ToPort": last}


def _description(entry: PolicyEntry) -> str:
    """At most 255 characters of those that EC2 takes."""
    allowed = "._-:/()#,@[]+=&;{}!$* "
    text = f"{entry.passport} {entry.destination.canonical}"
    return "".join(letter if letter.isalnum() or letter in allowed else "_" for letter in text)[:255]


@dataclass(slots=True)
class _Group:
    """One security group while it is filled; the two families are counted apart."""

    limit: int
    used: list[int] = field(default_factory=lambda: [0, 0])
    taken: list[Rendering] = field(default_factory=list)

    def has_room(self, one: Rendering) -> bool:
        used = self.used[_family(one)] + _weight(one)
        return used <= self.limit

    def take(self, one: Rendering) -> None:
        self.used[_family(one)] += _weight(one)
        self.taken.append(one)


def _family(one: Rendering) -> int:
    return 0 if one.rules[0]["family"] == 4 else 1


def _weight(one: Rendering) -> int:
    """A list counts as its largest size, which is its size here, so both forms weigh the same."""
    return len(one.rules[0]["networks"]) * len(one.rules[0]["ports"])


def _reserve_dns(group: _Group, *, dns: DnsAllowance) -> None:
    for address in dns.addresses:
        group.used[1 if ":" in address else 0] += 2 * len(dns.ports)


def _groups_object(
    groups: Sequence[_Group], *, placed: Sequence[Rendering], template: Template, namespace: str
) -> Json:
    filled = [group for position, group in enumerate(groups) if group.taken or position == 0]
    spec = []
    for position, group in enumerate(filled):
        permissions = [permission for one in group.taken for permission in _permissions(one)]
        if position == 0:
            permissions = [*_dns_permissions(template.dns), *permissions]
        spec.append({"GroupName": f"{OBJECT_NAME}-{namespace}-{position + 1}", "IpPermissions": permissions})
    return {
        "apiVersion": API_VERSION,
        "kind": "SecurityGroups",
        "metadata": metadata(
            name=OBJECT_NAME,
            namespace=namespace,
            template=template,
            passports=[one.entry.passport for one in placed],
        ),
        # The rule that every new group is born with allows everything.
        "spec": {"revokeDefaultEgress": True, "groups": spec},
    }


def _permissions(one: Rendering) -> Iterator[Json]:
    rule = one.rules[0]
    for port in rule["ports"]:
        if "list" in rule:
            yield {**port, "PrefixListIds": [{"PrefixListName": rule["list"], "Description": rule["description"]}]}
        elif rule["family"] == 4:
            ranges = [{"CidrIp": network, "Description": rule["description"]} for network in rule["networks"]]
            yield {**port, "IpRanges": ranges}
        else:
            ranges = [{"CidrIpv6": network, "Description": rule["description"]} for network in rule["networks"]]
            yield {**port, "Ipv6Ranges": ranges}


def _dns_permissions(dns: DnsAllowance) -> Iterator[Json]:
    """The resolver of the VPC is not filtered by groups; only other resolvers need a rule."""
    for port in sorted(dns.ports):
        for protocol in ("tcp", "udp"):
            for address in dns.addresses:
                key, field_name = ("Ipv6Ranges", "CidrIpv6") if ":" in address else ("IpRanges", "CidrIp")
                ranges = [{field_name: address, "Description": "sallyport dns"}]
                yield {"IpProtocol": protocol, "FromPort": port, "ToPort": port, key: ranges}


def _prefix_list(one: Rendering, *, template: Template, namespace: str) -> Json:
    rule = one.rules[0]
    return {
        "apiVersion": API_VERSION,
        "kind": "ManagedPrefixList",
        "metadata": metadata(name=rule["list"], namespace=namespace, template=template, passports=[one.entry.passport]),
        "spec": {
            "PrefixListName": rule["list"],
            "AddressFamily": f"IPv{rule['family']}",
            "MaxEntries": len(rule["networks"]),
            "Entries": [{"Cidr": network, "Description": rule["description"]} for network in rule["networks"]],
        },
    }


def _account(renderings: Sequence[Rendering], *, capabilities: Capabilities) -> tuple[CapacityLine, ...]:
    limit = capabilities.rules_per_group * capabilities.groups_per_interface
    because = f"{capabilities.groups_per_interface} groups of {capabilities.rules_per_group} rules for an interface"
    return tuple(
        CapacityLine(
            f"rules of {name}",
            sum(_weight(one) for one in renderings if one.rules and _family(one) == position),
            limit,
            because,
        )
        for position, name in enumerate(("IPv4", "IPv6"))
    )


COMPILER = Compiler(dialect=DIALECT, render=render, assemble=assemble)
