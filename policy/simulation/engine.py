"""The order of judgement: admin tier, NetworkPolicy and its neighbours, baseline, and at last "allowed by default"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from policy.simulation.answers import Answer, Decision, Direction, either
from policy.simulation.flows import Packet, Party
from policy.simulation.model import CompiledPolicy, Rule, Tier
from policy.simulation.profiles import Profile
from policy.simulation.truth import Truth, every

OPEN = Decision(answer=Answer.ALLOW, reason="no policy closes this direction for the pod")
_ANSWERS = {"allow": Answer.ALLOW, "deny": Answer.DENY}
_SELECTION_DOUBT = "whether the policy selects the pod is not certain"
_ORDER_DOUBT = "policies of one priority disagree, and the API leaves their order open"
_BY_PRIORITY = frozenset({"admin", "baseline"})

Otherwise = Callable[[], Decision]
Selected = Sequence[tuple[CompiledPolicy, Truth]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One direction of one packet, seen from the end that policies protect."""

    direction: Direction
    local: Party
    remote: Party
    packet: Packet
    profile: Profile

    def match(self, rule: Rule, protects: Truth) -> Truth:
        truth = rule.judge(remote=self.remote, local=self.local, packet=self.packet)
        return truth if truth is Truth.NO or protects is Truth.YES else every((truth, protects))


@dataclass(frozen=True, slots=True)
class Road:
    """A rule that matches, or may match, and what is said if it does."""

    decision: Decision
    truth: Truth
    doubt: str


class _Once:
    """What stands behind a step, judged at most once however many rules pass on to it."""

    __slots__ = ("_decision", "_judge")

    def __init__(self, judge: Otherwise) -> None:
        self._judge = judge
        self._decision: Decision | None = None

    def __call__(self) -> Decision:
        if self._decision is None:
            self._decision = self._judge()
        return self._decision


def _open() -> Decision:
    return OPEN


def judge_kubernetes(question: Question, selected: Selected) -> Decision:
    """Admin tier, then NetworkPolicy and Cilium policies added up, then baseline."""
    admin = [pair for pair in selected if pair[0].layer == "admin"]
    middle = [pair for pair in selected if pair[0].layer in {"network", "cilium"}]
    baseline = [pair for pair in selected if pair[0].layer == "baseline"]
    after_middle = _Once(lambda: judge_ordered(question, baseline, otherwise=_open))
    after_admin = _Once(lambda: judge_union(question, middle, otherwise=after_middle))
    return judge_ordered(question, admin, otherwise=after_admin)


def judge_tiers(question: Question, selected: Selected, tiers: Sequence[Tier]) -> Decision:
    """Calico's tiers by their order, with the policies of Kubernetes in the tiers that Calico gives them."""
    otherwise: Otherwise = _open
    for tier in reversed(tiers):
        members = [pair for pair in selected if _tier_name(pair[0]) == tier.name]
        if any(question.direction in policy.applies_to for policy, _ in members):
            otherwise = _tier_before(question, members, tier=tier, otherwise=otherwise)
    return otherwise()


def _tier_before(question: Question, members: Selected, *, tier: Tier, otherwise: Otherwise) -> Otherwise:
    return _Once(lambda: judge_ordered(question, members, otherwise=otherwise, tier=tier))


def _tier_name(policy: CompiledPolicy) -> str:
    return {"admin": "kube-admin", "baseline": "kube-baseline"}.get(policy.layer, policy.tier)


def judge_union(question: Question, selected: Selected, *, otherwise: Otherwise) -> Decision:
    """Additive: any allow passes what any of the policies isolates; a deny beats every allow."""
    denials = _roads(question, selected, action="deny")
    if denials and denials[-1].truth is Truth.YES:
        return denials[-1].decision
    isolated, isolating = _isolation(question, selected)
    # Without isolation an allow rule of Kubernetes says nothing; one of Cilium is a verdict all the same.
    speaking = [pair for pair in selected if isolated is not Truth.NO or pair[0].layer == "cilium"]
    allows = _roads(question, speaking, action="allow")
    if allows and allows[-1].truth is Truth.YES:
        decision = allows.pop().decision
    else:
        decision = _closed(question, isolated, isolating, otherwise=otherwise)
    return _fold([*denials, *allows], decision)


def _roads(question: Question, selected: Selected, *, action: str) -> list[Road]:
    """The rules with this action that match or may match, up to the first that does for certain."""
    found: list[Road] = []
    for policy, protects in selected:
        for rule in policy.rules[question.direction]:
            if rule.action != action:
                continue
            truth = question.match(rule, protects)
            if truth is Truth.NO:
                continue
            found.append(Road(policy.decision(rule, answer=_ANSWERS[action]), truth, _doubt(rule, protects)))
            if truth is Truth.YES:
                return found
    return found


def _fold(roads: Sequence[Road], decision: Decision) -> Decision:
    """What the uncertain matches before a decision make of it."""
    for road in reversed(roads):
        decision = either(matched=road.decision, otherwise=decision, truth=road.truth, doubt=road.doubt)
    return decision


def _isolation(question: Question, selected: Selected) -> tuple[Truth, CompiledPolicy | None]:
    found, isolating = Truth.NO, None
    for policy, protects in selected:
        if question.direction in policy.isolates and protects > found:
            found, isolating = protects, policy
    return found, isolating


def _closed(question: Question, isolated: Truth, isolating: CompiledPolicy | None, *, otherwise: Otherwise) -> Decision:
    """What holds when no allow matches."""
    if isolating is None:
        return otherwise()
    reason = f"it isolates the pod for {question.direction} and no rule of any policy allows this"
    closed = Decision(answer=Answer.DENY, reason=reason, origin=isolating.origin)
    if question.profile.baseline_reopens and otherwise().is_explicit:
        closed = otherwise()
    if isolated is Truth.YES:
        return closed
    return either(matched=closed, otherwise=otherwise(), truth=isolated, doubt=_SELECTION_DOUBT)


def judge_ordered(
    question: Question, selected: Selected, *, otherwise: Otherwise, tier: Tier | None = None
) -> Decision:
    """First match decides; Pass goes on behind the tier; a tier that applied may deny at its end."""
    roads: list[Road] = []
    for _, group in groupby(selected, key=_standing):
        roads += _group_roads(question, list(group), otherwise=otherwise)
        if roads and roads[-1].truth is Truth.YES:
            return _fold(roads[:-1], roads[-1].decision)
    return _fold(roads, _end_of_tier(question, selected, otherwise=otherwise, tier=tier))


def _standing(pair: tuple[CompiledPolicy, Truth]) -> tuple[float, str]:
    """Where a policy stands; those of one priority stand together, while Calico settles ties by name."""
    policy = pair[0]
    return policy.order, "" if policy.layer in _BY_PRIORITY else policy.origin


def _group_roads(question: Question, members: Selected, *, otherwise: Otherwise) -> list[Road]:
    """The matches of policies that stand together; where they disagree, any of them may decide."""
    found: list[Road] = []
    for policy, protects in members:
        for rule in policy.rules[question.direction]:
            truth = question.match(rule, protects)
            if truth is not Truth.NO:
                decision = _outcome(policy, rule, otherwise=otherwise)
                found.append(Road(decision, truth, _doubt(rule, protects)))
            if truth is Truth.YES:
                break
    # What is behind a certain match is never reached, so certain matches go last.
    found.sort(key=lambda road: road.truth is Truth.YES)
    if len(members) < 2 or len({road.decision.answer for road in found}) < 2:
        return found
    *others, last = found
    open_order = {Truth.YES: Truth.CNI}
    return [Road(one.decision, open_order.get(one.truth, one.truth), _ORDER_DOUBT) for one in others] + [last]


def _outcome(policy: CompiledPolicy, rule: Rule, *, otherwise: Otherwise) -> Decision:
    if rule.action != "pass":
        return policy.decision(rule, answer=_ANSWERS[rule.action])
    following = otherwise()
    if following.origin is not None:
        return following
    return replace(policy.decision(rule, answer=following.answer), is_passed_on=True)


def _end_of_tier(question: Question, selected: Selected, *, otherwise: Otherwise, tier: Tier | None) -> Decision:
    applied = [pair for pair in selected if question.direction in pair[0].applies_to]
    if tier is None or not tier.denies_at_end or not applied:
        return otherwise()
    policy, protects = max(applied, key=lambda pair: pair[1])
    reason = f"it applies to the pod and nothing in tier {tier.name} decides, so the tier denies at its end"
    closed = Decision(answer=Answer.DENY, reason=reason, origin=policy.origin)
    if protects is Truth.YES:
        return closed
    return either(matched=closed, otherwise=otherwise(), truth=protects, doubt=_SELECTION_DOUBT)


def _doubt(rule: Rule, protects: Truth) -> str:
    return rule.doubt if protects is Truth.YES else _SELECTION_DOUBT
