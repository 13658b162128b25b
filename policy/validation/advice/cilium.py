"""Warnings about Cilium's policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_name, about_networks, members
from policy.validation.kinds import Key

_WIDE_ENTITIES = frozenset({"all", "world"})
_PEERS = ("toEndpoints", "toNodes", "toCIDR", "toCIDRSet", "toEntities", "toServices", "toGroups", "toFQDNs")


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a CiliumNetworkPolicy."""
    rules = [(manifest["spec"], "spec")] if manifest.get("spec") else []
    rules.extend(members(manifest, "specs", ""))
    rules = [(rule, path.removeprefix(".")) for rule, path in rules]
    has_dns_rule = any(_has_dns_rule(rule) for rule, _ in rules)
    for rule, path in rules:
        for egress, here in members(rule, "egress", path):
            yield from _about_egress(egress, here)
            if egress.get("toFQDNs") and not has_dns_rule:
                message = "names are learned from DNS answers only: without a rules.dns rule nothing ever matches"
                yield Advice("names-without-dns", f"{here}.toFQDNs", message)


def _has_dns_rule(rule: Mapping[str, Any]) -> bool:
    return any(
        (ports.get("rules") or {}).get("dns")
        for egress in rule.get("egress") or []
        for ports in egress.get("toPorts") or []
    )


def _about_egress(rule: Mapping[str, Any], path: str) -> Iterator[Advice]:
    if not any(rule.get(peer) is not None for peer in _PEERS) and (rule.get("toPorts") or rule.get("icmps")):
        yield Advice("any-destination", path, "ports without destinations allow every destination on these ports")
    for peer in _PEERS:
        if rule.get(peer) == []:
            yield Advice("selects-nothing", f"{path}.{peer}", "an empty list selects nothing, not everything")
    for entity, here in members(rule, "toEntities", path):
        if entity in _WIDE_ENTITIES:
            yield Advice("every-address", here, f"the entity {entity} is every destination outside the cluster")
    yield from _about_addresses(rule, path)
    for name, here in members(rule, "toFQDNs", path):
        yield from _about_fqdn(name, here)
    for ports, here in members(rule, "toPorts", path):
        yield from _about_ports(ports, here)


def _about_addresses(rule: Mapping[str, Any], path: str) -> Iterator[Advice]:
    yield from about_networks(members(rule, "toCIDR", path), path=f"{path}.toCIDR", host_bits=True)
    whole: list[tuple[str, str]] = []
    for block, here in members(rule, "toCIDRSet", path):
        if not block.get("cidr"):
            continue
        given = [(block["cidr"], f"{here}.cidr")]
        if block.get("except"):
            yield from about_networks(given, path=here, excepts=block["except"], host_bits=True)
        else:
            whole.extend(given)
    yield from about_networks(whole, path=f"{path}.toCIDRSet", host_bits=True)


def _about_fqdn(name: Mapping[str, Any], path: str) -> Iterator[Advice]:
    if name.get("matchName"):
        yield from about_name(name["matchName"], f"{path}.matchName")
        return
    pattern, here = name["matchPattern"], f"{path}.matchPattern"
    if not pattern.strip("*."):
        yield Advice("every-name", here, "takes every name that anybody can register")
    elif pattern.startswith("**"):
        message = "means any depth from Cilium 1.19 on; an older agent takes it as one label"
        yield Advice("needs-version", here, message)
    elif pattern.startswith("*") and not pattern.startswith("*."):
        yield Advice(
            "partial-label", here, "without a dot after the star, look-alikes such as evil-example.com match too"
        )


def _about_ports(ports: Mapping[str, Any], path: str) -> Iterator[Advice]:
    for port, here in members(ports, "ports", path):
        number = port.get("port") or ""
        if not number.isdigit():
            continue
        if number.startswith("0") and number != "0":
            yield Advice("octal-port", f"{here}.port", f"{number!r} is read as an octal number: drop the zero")
        elif 0 < (port.get("endPort") or 0) < int(number):
            yield Advice("matches-nothing", f"{here}.endPort", "below the port: the agent takes it and matches nothing")
    if any("*" in name for name in ports.get("serverNames") or []):
        message = "wildcards mean something from Cilium 1.20 on; an older agent takes them literally"
        yield Advice("needs-version", f"{path}.serverNames", message)


ADVISERS: Mapping[Key, Adviser] = {
    ("cilium.io/v2", "CiliumNetworkPolicy"): advise,
    ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"): advise,
}
