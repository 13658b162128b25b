"""Verdicts: per direction and for the whole flow, each with whose word it is and why."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from policy.simulation.truth import Truth

Direction = Literal["egress", "ingress"]


class Answer(StrEnum):
    """Would it pass? ``cni-dependent`` is what the API leaves to the implementation; a profile decides it."""

    ALLOW = "allow"
    DENY = "deny"
    UNKNOWN = "unknown"
    CNI = "cni-dependent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One direction's answer: the object and rule that decide, or none where no policy has a say."""

    answer: Answer
    reason: str
    origin: str | None = None
    rule: int | None = None
    section: str | None = None
    # A rule passed it on, and behind it nothing had a say.
    is_passed_on: bool = False

    @property
    def is_explicit(self) -> bool:
        """Whether a rule says so, rather than the absence of any."""
        return self.rule is not None and not self.is_passed_on

    def as_document(self, direction: Direction) -> dict[str, Any]:
        found: dict[str, Any] = {"direction": direction, "verdict": str(self.answer), "reason": self.reason}
        optional = {"object": self.origin, "section": self.section, "rule": self.rule}
        return found | {key: value for key, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Both directions and what follows from them: a flow passes only where both ends let it."""

    egress: Decision
    ingress: Decision
    notes: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer:
        found = {self.egress.answer, self.ingress.answer}
        for answer in (Answer.DENY, Answer.UNKNOWN, Answer.CNI):
            if answer in found:
                return answer
        return Answer.ALLOW

    @property
    def is_allowed(self) -> bool:
        return self.answer is Answer.ALLOW

    def as_document(self) -> dict[str, Any]:
        """The answer as ``sallyport simulate`` prints it."""
        because: list[Any] = [self.egress.as_document("egress"), self.ingress.as_document("ingress")]
        because += [{"note": note} for note in self.notes]
        return {
            "verdict": str(self.answer),
            "egress": str(self.egress.answer),
            "ingress": str(self.ingress.answer),
            "because": because,
        }


_UNCERTAIN = {Truth.UNKNOWN: Answer.UNKNOWN, Truth.CNI: Answer.CNI}


def either(*, matched: Decision, otherwise: Decision, truth: Truth, doubt: str) -> Decision:
    """The answer when it is uncertain whether the rule behind ``matched`` matches: certain if both roads agree."""
    if matched.answer is otherwise.answer:
        return otherwise
    answers = {matched.answer, otherwise.answer}
    answer = Answer.UNKNOWN if Answer.UNKNOWN in answers else _UNCERTAIN[truth]
    return Decision(
        answer=answer,
        reason=f"{doubt}: {matched.answer} if it matches, else {otherwise.answer}",
        origin=matched.origin,
        rule=matched.rule,
        section=matched.section,
    )
