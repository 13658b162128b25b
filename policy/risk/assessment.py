"""Applying a rule set to a subject, and adding up the approvals that its findings ask for."""

from collections.abc import Iterable

from policy.addresses import AddressSet, Network
from policy.destinations import Destination, effective_addresses
from policy.ports import PortRange, canonical_ports
from policy.risk.model import ApprovalNeed, RiskFinding, RiskReport, Role, Rule, RuleSet, Severity, Subject
from policy.risk.rules import RULE_SET

# What a severity asks for, whatever the rule: one reviewer always, two from "high".
_REVIEWERS: dict[Severity, int] = {"low": 1, "medium": 1, "high": 2, "refuse": 2}
_ALWAYS = "every-request"


def assess(
    *,
    destination: Destination,
    ports: Iterable[PortRange],
    reaches_production: bool,
    known_names: Iterable[str] = (),
    data_class: str | None = None,
    internal_zones: Iterable[str] = (),
    own_networks: Iterable[Network] = (),
    rule_set: RuleSet = RULE_SET,
) -> RiskReport:
    """Judge one destination. ``known_names`` are those in use already; ``own_networks`` those of the clusters."""
    subject = Subject(
        destination=destination,
        ports=canonical_ports(ports),
        reaches_production=reaches_production,
        addresses=destination.addresses,
        known_names=frozenset(known_names),
        data_class=data_class,
        internal_zones=frozenset(internal_zones),
        own_networks=tuple(own_networks),
    )
    return judge(subject, rule_set=rule_set)


def assess_together(
    *,
    destinations: Iterable[Destination],
    ports: Iterable[PortRange],
    reaches_production: bool,
    known_names: Iterable[str] = (),
    data_class: str | None = None,
    internal_zones: Iterable[str] = (),
    own_networks: Iterable[Network] = (),
    rule_set: RuleSet = RULE_SET,
) -> RiskReport:
    """Judge a list of destinations as one: broadness by what the CIDRs reach together, the rest one by one."""
    given = tuple(destinations)
    together = effective_addresses(given)
    wanted = canonical_ports(ports)
    findings: dict[tuple[str, str], RiskFinding] = {}
    for destination in sorted(given, key=lambda one: one.sort_key):
        subject = Subject(
            destination=destination,
            ports=wanted,
            reaches_production=reaches_production,
            addresses=AddressSet() if destination.is_name else together,
            known_names=frozenset(known_names),
            data_class=data_class,
            internal_zones=frozenset(internal_zones),
            own_networks=tuple(own_networks),
        )
        report = judge(subject, rule_set=rule_set)
        findings.update({(finding.rule, finding.reason): finding for finding in report.findings})
    order = {rule.name: position for position, rule in enumerate(rule_set.rules)}
    ordered = tuple(sorted(findings.values(), key=lambda finding: (order[finding.rule], finding.reason)))
    return RiskReport(rule_set.version, ordered, _approvals(ordered))


def judge(subject: Subject, *, rule_set: RuleSet) -> RiskReport:
    """Every rule of the set that applies, in the order of the table."""
    findings = tuple(
        _finding(rule, reason) for rule in rule_set.rules for reason in [rule.check(subject)] if reason is not None
    )
    return RiskReport(rule_set.version, findings, _approvals(findings))


def _finding(rule: Rule, reason: str) -> RiskFinding:
    reviewers = ApprovalNeed("security-reviewer", _REVIEWERS[rule.severity], (rule.name,))
    extra = tuple(ApprovalNeed(role, count, (rule.name,)) for role, count in rule.approvals)
    return RiskFinding(rule.name, rule.severity, reason, (reviewers, *extra))


def _approvals(findings: Iterable[RiskFinding]) -> tuple[ApprovalNeed, ...]:
    """For each role the largest number that any finding asks for, and every rule that asks for that many."""
    needs: dict[Role, ApprovalNeed] = {"security-reviewer": ApprovalNeed("security-reviewer", 1, (_ALWAYS,))}
    for need in (need for finding in findings for need in finding.approvals):
        known = needs.get(need.role)
        if known is None or need.count > known.count:
            needs[need.role] = need
        elif need.count == known.count:
            because = tuple(dict.fromkeys((*known.because, *need.because)))
            needs[need.role] = ApprovalNeed(need.role, need.count, because)
    return tuple(needs[role] for role in sorted(needs))
