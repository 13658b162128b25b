"""Warnings about Antrea's policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_name, about_networks, members
from policy.validation.antrea import BUILT_IN_TIERS
from policy.validation.kinds import Key


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in a policy of Antrea."""
    spec = manifest["spec"]
    tier = spec.get("tier")
    if tier and tier.lower() not in BUILT_IN_TIERS:
        yield Advice(
            "unknown-tier", "spec.tier", f"{tier!r} is not built in: the webhook refuses it until the Tier exists"
        )
    for rule, path in members(spec, "egress", "spec"):
        yield from _about_rule(rule, path)


def _about_rule(rule: Mapping[str, Any], path: str) -> Iterator[Advice]:
    is_allow = rule["action"] == "Allow"
    peers = list(members(rule, "to", path))
    if is_allow and not peers and not rule.get("toServices") and not rule.get("l7Protocols"):
        yield Advice("any-destination", f"{path}.to", "an Allow without destinations allows every destination")
    for peer, here in peers:
        if peer.get("fqdn"):
            yield from _about_fqdn(peer["fqdn"], f"{here}.fqdn", is_allow=is_allow)
    blocks = [(peer["ipBlock"], f"{here}.ipBlock") for peer, here in peers if peer.get("ipBlock")] if is_allow else []
    for block, here in blocks:
        given = [(block["cidr"], f"{here}.cidr")]
        yield from about_networks(given, path=here, excepts=block.get("except") or [], host_bits=True)


def _about_fqdn(name: str, path: str, *, is_allow: bool) -> Iterator[Advice]:
    yield from about_name(name, path)
    if name.endswith("."):
        yield Advice("matches-nothing", path, "a final dot is compared literally: the name never matches")
    if not name.strip("*."):
        yield Advice("every-name", path, "takes every name that anybody can register")
    elif name.startswith("*") and not name.startswith("*."):
        yield Advice(
            "partial-label", path, "without a dot after the star, look-alikes such as evil-example.com match too"
        )
    if not is_allow:
        yield Advice(
            "deny-by-name", path, "names work in Allow rules with a Drop behind them; denied names can be evaded"
        )


ADVISERS: Mapping[Key, Adviser] = {
    ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy"): advise,
    ("crd.antrea.io/v1beta1", "NetworkPolicy"): advise,
}
