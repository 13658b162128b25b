"""The words of risk: what is judged, what is found, and what it asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from policy.addresses import AddressSet, Network
from policy.destinations import Destination
from policy.ports import PortRange

Severity = Literal["low", "medium", "high", "refuse"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "refuse")
Role = Literal["security-reviewer", "team-lead", "platform-engineer"]


@dataclass(frozen=True, slots=True)
class ApprovalNeed:
    """How many people of one role must approve, and because of which rules."""

    role: Role
    count: int
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RiskFinding:
    """One rule that applies, with the reason in a sentence and what it asks for by itself."""

    rule: str
    severity: Severity
    reason: str
    approvals: tuple[ApprovalNeed, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskReport:
    """Everything that a rule set says of one subject; the same subject and version always give the same report."""

    version: str
    findings: tuple[RiskFinding, ...]
    approvals: tuple[ApprovalNeed, ...]

    @property
    def severity(self) -> Severity | None:
        """The highest severity found, None where nothing was."""
        return max((finding.severity for finding in self.findings), key=SEVERITIES.index, default=None)

    @property
    def is_refused(self) -> bool:
        """Whether a rule refuses this whoever approves."""
        return self.severity == "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged: where to, through which ports, from where, with which data."""

    destination: Destination
    ports: tuple[PortRange, ...]
    reaches_production: bool
    addresses: AddressSet
    known_names: frozenset[str] = frozenset()
    data_class: str | None = None
    internal_zones: frozenset[str] = frozenset()
    own_networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check: it returns its reason where it applies; ``approvals`` are asked beyond those of the severity."""

    name: str
    severity: Severity
    meaning: str
    check: Callable[[Subject], str | None]
    approvals: tuple[tuple[Role, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of the rules; reports name it, and approvals bind to it."""

    version: str
    rules: tuple[Rule, ...]
