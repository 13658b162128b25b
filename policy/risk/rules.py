"""The table of rules. A change of it is a new version: approvals bind to the version that was shown."""

from policy.risk import checks
from policy.risk.model import Rule, RuleSet

RULE_SET_VERSION = "2026.1"

RULES: tuple[Rule, ...] = (
    Rule(
        "metadata-address",
        "refuse",
        "Metadata services of clouds, under every spelling of the address",
        checks.special("metadata"),
    ),
    Rule(
        "local-address",
        "refuse",
        "Loopback, link-local, unspecified, multicast and broadcast addresses are no destinations",
        checks.special("loopback", "link-local", "unspecified", "multicast", "broadcast"),
    ),
    Rule(
        "whole-internet",
        "refuse",
        "A quarter of IPv4, or all of IPv6 that is in use, however it is cut into pieces",
        checks.whole_internet,
    ),
    Rule(
        "cluster-network",
        "refuse",
        "Pod, service and API server networks of the clusters themselves",
        checks.own_network,
    ),
    Rule(
        "wildcard-covers-strangers",
        "refuse",
        "A wildcard on a public suffix, above public suffixes, or on shared hosting",
        checks.wildcard("refuse"),
    ),
    Rule("every-protocol", "high", "Every protocol and port", checks.every_protocol, (("team-lead", 1),)),
    Rule("every-port", "high", "Every port of a protocol", checks.every_port, (("team-lead", 1),)),
    Rule(
        "very-broad-network",
        "high",
        "As many addresses as an IPv4 /8 or an IPv6 /32",
        checks.broader_than(v4_bits=24, v6_bits=96),
        (("platform-engineer", 1),),
    ),
    Rule(
        "tunnel-address",
        "high",
        "IPv6 spellings that carry IPv4 (mapped, NAT64, 6to4, Teredo)",
        checks.special("tunnel"),
        (("platform-engineer", 1),),
    ),
    Rule(
        "carrier-address",
        "high",
        "Shared carrier space, which clouds use inside",
        checks.special("carrier"),
        (("platform-engineer", 1),),
    ),
    Rule("wildcard-on-shared-hosting", "high", "A wildcard below a name of shared hosting", checks.wildcard("flag")),
    Rule("mixed-scripts", "high", "A label that mixes alphabets", checks.name_warning("mixed-script")),
    Rule(
        "looks-like-known-name",
        "high",
        "A name that can be mistaken for one in use",
        checks.looks_like_known,
        (("team-lead", 1),),
    ),
    Rule("restricted-data", "high", "Restricted data leaves", checks.data_class("restricted"), (("team-lead", 1),)),
    Rule(
        "private-address",
        "medium",
        "Private address space: internal systems",
        checks.special("private"),
        (("platform-engineer", 1),),
    ),
    Rule("reserved-address", "medium", "Reserved or documentation addresses", checks.special("reserved")),
    Rule(
        "broad-network",
        "medium",
        "As many addresses as an IPv4 /16 or an IPv6 /48",
        checks.broader_than(v4_bits=16, v6_bits=80),
    ),
    Rule("any-depth-wildcard", "medium", "A wildcard of any depth", checks.wildcard_kind("any-depth")),
    Rule("shared-front", "medium", "A name on a shared CDN or front: addresses are shared", checks.shared_front),
    Rule("look-alike", "medium", "A name that reads like another in plain letters", checks.name_warning("look-alike")),
    Rule("wide-port-range", "medium", "A range of more than 1,000 ports", checks.wide_range),
    Rule("remote-control-port", "medium", "Ports of remote control and file sharing", checks.remote_control_port),
    Rule(
        "resolver-port", "medium", "DNS past the cluster's resolver", checks.resolver_port, (("platform-engineer", 1),)
    ),
    Rule(
        "confidential-data",
        "medium",
        "Confidential data leaves",
        checks.data_class("confidential"),
        (("team-lead", 1),),
    ),
    Rule("one-level-wildcard", "low", "A wildcard of one label", checks.wildcard_kind("one-level")),
    Rule("plaintext-port", "low", "Ports that are commonly not encrypted", checks.plaintext_port),
    Rule("icmp", "low", "ICMP", checks.icmp),
    Rule("international-name", "low", "A name that people see in other letters", checks.international),
    Rule("first-use", "low", "A vendor that nothing has been allowed to before", checks.first_use, (("team-lead", 1),)),
    Rule("production", "low", "Production is concerned", checks.production, (("team-lead", 1),)),
)

RULE_SET = RuleSet(RULE_SET_VERSION, RULES)


def rule_table() -> tuple[tuple[str, str, str, str], ...]:
    """Name, severity, meaning and approvals of every rule, for people to read."""
    return tuple(
        (rule.name, rule.severity, rule.meaning, ", ".join(f"{count} {role}" for role, count in rule.approvals))
        for rule in RULES
    )
