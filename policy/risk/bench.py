"""What another rule set would have said of past requests: the test bench for a change of the rules."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policy.risk.assessment import judge
from policy.risk.model import RiskReport, RuleSet, Subject


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A request as it was judged then, by a reference of its own."""

    reference: str
    subject: Subject


@dataclass(frozen=True, slots=True)
class Change:
    """A past request of which the two rule sets say different things."""

    reference: str
    before: RiskReport
    after: RiskReport
    rules_added: tuple[str, ...]
    rules_removed: tuple[str, ...]

    @property
    def asks_for_other_people(self) -> bool:
        """Whether the approvals differ, and not only the findings."""
        return _people(self.before) != _people(self.after)


def compare_rule_sets(requests: Iterable[PastRequest], *, before: RuleSet, after: RuleSet) -> Iterator[Change]:
    """Every past request that the later rule set would have judged otherwise, in the order given."""
    for request in requests:
        old = judge(request.subject, rule_set=before)
        new = judge(request.subject, rule_set=after)
        if old.findings == new.findings and _people(old) == _people(new):
            continue
        old_rules = {finding.rule for finding in old.findings}
        new_rules = {finding.rule for finding in new.findings}
        yield Change(
            request.reference, old, new, tuple(sorted(new_rules - old_rules)), tuple(sorted(old_rules - new_rules))
        )


def _people(report: RiskReport) -> dict[str, int]:
    return {need.role: need.count for need in report.approvals}
