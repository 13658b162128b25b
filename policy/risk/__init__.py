"""Risk by named rules: what is risky about a destination, why, and who must therefore approve."""

from policy.risk.assessment import assess, assess_together
from policy.risk.bench import Change, PastRequest, compare_rule_sets
from policy.risk.model import ApprovalNeed, RiskFinding, RiskReport, Rule, RuleSet, Severity, Subject
from policy.risk.rules import RULE_SET, RULE_SET_VERSION, rule_table

__all__ = [
    "RULE_SET",
    "RULE_SET_VERSION",
    "ApprovalNeed",
    "Change",
    "PastRequest",
    "RiskFinding",
    "RiskReport",
    "Rule",
    "RuleSet",
    "Severity",
    "Subject",
    "assess",
    "assess_together",
    "compare_rule_sets",
    "rule_table",
]
