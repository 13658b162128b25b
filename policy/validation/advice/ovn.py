"""Warnings about OVN-Kubernetes' EgressFirewall."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_name, about_networks, members
from policy.validation.kinds import Key

_MAXIMUM_RULES = 8_000


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in an EgressFirewall."""
    rules = list(members(manifest["spec"], "egress", "spec"))
    denied = {rule["to"].get("cidrSelector") for rule, _ in rules if rule["type"] == "Deny" and not rule.get("ports")}
    if "0.0.0.0/0" not in denied:
        yield Advice(
            "no-final-deny", "spec.egress", "what no rule matches is allowed: end with Deny 0.0.0.0/0 and ::/0"
        )
    if len(rules) > _MAXIMUM_RULES:
        yield Advice("too-many-rules", "spec.egress", f"only the first {_MAXIMUM_RULES} rules are enforced")
    for rule, path in rules:
        yield from _about_rule(rule, f"{path}.to", is_deny=rule["type"] == "Deny")


def _about_rule(rule: Mapping[str, Any], path: str, *, is_deny: bool) -> Iterator[Advice]:
    to = rule["to"]
    name = to.get("dnsName")
    if name is not None:
        yield from about_name(name, f"{path}.dnsName")
        if name.startswith("*."):
            message = "a wildcard needs the DNSNameResolver: without it the whole object is refused"
            yield Advice("needs-resolver", f"{path}.dnsName", message)
        if is_deny:
            yield Advice("deny-by-name", f"{path}.dnsName", "a denied name is open until it has been resolved")
    elif to.get("cidrSelector") is not None and not is_deny:
        here = f"{path}.cidrSelector"
        yield from about_networks([(to["cidrSelector"], here)], path=here, host_bits=True)


ADVISERS: Mapping[Key, Adviser] = {("k8s.ovn.org/v1", "EgressFirewall"): advise}
