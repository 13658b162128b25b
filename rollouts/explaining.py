"""Why a packet may leave or not: which entry, whose, why, approved by whom, until when, and where it is in force."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from allowlist.desired import Scope, Target, template_of
from allowlist.models import Entry, EntryRevision
from clusters.models import Cluster, EnforcementPoint, Namespace
from policy.addresses import Address, AddressSet, plain_address
from policy.destinations import Destination
from policy.errors import DomainError
from policy.names import canonical_name, is_below
from policy.selectors import LabelSelector, format_selector
from rollouts.baseline import is_fresh
from rollouts.errors import InvalidQuestion, Unknown
from rollouts.models import Bundle, DriftFinding, NamespacePush

Verdict = Literal["allowed", "denied", "unknown"]
PROTOCOLS = ("TCP", "UDP", "SCTP", "ICMP")
MAX_NEAR = 10
MAX_TEXT = 260


@dataclass(frozen=True, slots=True)
class Question:
    """A flow as it was asked for: exactly one of ``name`` and ``address`` is there."""

    text: str
    port: int | None
    protocol: str
    name: str | None = None
    address: Address | None = None

    def is_meant_by(self, destination: Destination) -> bool:
        if self.name is not None:
            return destination.matches_name(self.name)
        return self.address is not None and destination.matches_address(self.address)

    def is_near(self, destination: Destination) -> bool:
        """Whether a name lies around the destination's base, so that somebody may have expected it to match."""
        if self.name is None or not destination.is_name:
            return False
        base = destination.base
        return self.name == base or is_below(self.name, base) or is_below(base, self.name)


@dataclass(frozen=True, slots=True)
class Match:
    """One entry that concerns the flow; ``reason`` says what keeps it from allowing it, or how it does."""

    revision: EntryRevision
    reason: str
    published_at: datetime | None = None
    generation: int | None = None

    @property
    def entry(self) -> Entry:
        return self.revision.entry

    @property
    def approvers(self) -> list[str]:
        return [str(user) for user in self.revision.approved_by.all()]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer, in words and with everything that it rests on."""

    verdict: Verdict
    sentence: str
    question: Question
    target: Target
    matches: tuple[Match, ...] = ()
    near_misses: tuple[Match, ...] = ()
    may_allow_more: tuple[DriftFinding, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)
    compared_at: datetime | None = None


def explain(
    *, user: User, cluster: str, namespace: str, destination: str, port: int | None, protocol: str = "TCP"
) -> Explanation:
    """Would this flow be let out by what is published there? Raises ``InvalidQuestion`` or ``Unknown``."""
    question = _question(destination, port=port, protocol=protocol)
    target = _target(user, cluster=cluster, namespace=namespace)
    at = timezone.now()
    push = (
        NamespacePush.objects.filter(enforcement_point=target.enforcement_point, namespace=target.namespace)
        .select_related("published")
        .first()
    )
    if push is None or push.published is None:
        sentence = _("The namespace is not under default deny yet: nothing of ours denies anything there.")
        return Explanation("unknown", sentence, question, target)
    return _answer(question, target, push, push.published, at=at)


def _question(text: str, *, port: int | None, protocol: str) -> Question:
    wanted = protocol.strip().upper()
    if wanted not in PROTOCOLS:
        raise InvalidQuestion(_("The protocol is one of TCP, UDP, SCTP or ICMP."), details={"field": "protocol"})
    if wanted != "ICMP" and (port is None or not 1 <= port <= 65535):
        raise InvalidQuestion(_("The port is a number between 1 and 65535."), details={"field": "port"})
    typed = text.strip()
    if not typed or len(typed) > MAX_TEXT:
        raise InvalidQuestion(_("Write a name or an address."), details={"field": "destination"})
    shown = None if wanted == "ICMP" else port
    try:
        return Question(typed, shown, wanted, address=plain_address(ipaddress.ip_address(typed)))
    except ValueError:
        pass
    try:
        return Question(typed, shown, wanted, name=canonical_name(typed).ascii)
    except DomainError as error:
        raise InvalidQuestion(error.message, details={"field": "destination"}) from error


def _target(user: User, *, cluster: str, namespace: str) -> Target:
    found = Cluster.objects.visible_to(user).filter(name=cluster).first()
    seen = Namespace.objects.visible_to(user).filter(cluster=found, name=namespace).first() if found else None
    if seen is None:
        raise Unknown(_("There is no such namespace on that cluster, or none that you may see."))
    point = (
        EnforcementPoint.objects.select_related("cluster__environment")
        .filter(cluster=found, layer=EnforcementPoint.Layer.CLUSTER)
        .first()
    )
    if point is None:
        raise Unknown(_("Nothing is known yet of what this cluster can enforce."))
    return Target(point, seen)


def _answer(question: Question, target: Target, push: NamespacePush, published: Bundle, *, at: datetime) -> Explanation:
    matches, near = _judge_all(question, target, published, read_back_at=push.published_at, at=at)
    foreign = tuple(
        DriftFinding.objects.open().filter(
            enforcement_point=target.enforcement_point,
            namespace=target.namespace,
            difference__in=[DriftFinding.Difference.FOREIGN, DriftFinding.Difference.EXTRA],
        )
    )
    notes = list(_notes(question, published, matches, is_known=is_fresh(push, at)))
    verdict, sentence = _verdict(_guardrail(question, target), matches, push, published)
    shown = tuple(matches) if verdict == "allowed" else ()
    return Explanation(verdict, sentence, question, target, shown, tuple(near), foreign, tuple(notes), push.compared_at)


def _verdict(guarded: str, matches: list[Match], push: NamespacePush, published: Bundle) -> tuple[Verdict, str]:
    if guarded:
        return "denied", guarded
    if matches:
        return "allowed", _allowed_sentence(matches[0], published)
    if push.default_deny_since is None:
        return "unknown", _("No entry allows it, but the default deny was not found on the cluster.")
    return "denied", _("No entry in force allows it, and everything else is denied.")


def _allowed_sentence(match: Match, published: Bundle) -> str:
    words = {"passport": match.entry.passport, "team": match.entry.team.name, "generation": published.generation}
    return _("Entry %(passport)s of %(team)s allows it, published there in generation %(generation)s.") % words


def _judge_all(
    question: Question, target: Target, published: Bundle, *, read_back_at: datetime | None, at: datetime
) -> tuple[list[Match], list[Match]]:
    """The entries that allow the flow, and those that nearly do with what they lack."""
    matches, near = [], []
    for revision in _candidates(target):
        lacking = list(_lacks(question, revision, target, published, at=at))
        if not lacking:
            matches.append(
                Match(revision, _terms(revision), published_at=read_back_at, generation=published.generation)
            )
        elif question.is_meant_by(revision.parsed_destination) or question.is_near(revision.parsed_destination):
            near.append((len(lacking), revision.entry.passport, Match(revision, " ".join(lacking))))
    return matches, [match for _count, _passport, match in sorted(near, key=lambda one: one[:2])[:MAX_NEAR]]


def _candidates(target: Target) -> Iterable[EntryRevision]:
    """For each entry of the namespace's team: what the cluster's tier carries, or else the newest revision."""
    entries = (
        Entry.objects.filter(team=target.namespace.team_id)
        .select_related("team", "in_non_production__requested_by", "in_production__requested_by")
        .prefetch_related("in_non_production__approved_by", "in_production__approved_by")
    )
    for entry in entries:
        revision = entry.carried_in(target.tier) or entry.in_non_production
        if revision is not None:
            revision.entry = entry
            yield revision


def _lacks(
    question: Question, revision: EntryRevision, target: Target, published: Bundle, *, at: datetime
) -> Iterable[str]:
    """What keeps the entry from allowing the flow, each as a sentence; nothing where it does allow it."""
    if not question.is_meant_by(revision.parsed_destination):
        yield _("It means %(destination)s, which this is not.") % {"destination": revision.destination}
    if not any(one.contains(protocol=question.protocol, port=question.port) for one in revision.parsed_ports):
        yield _("It opens %(ports)s only.") % {"ports": revision.ports}
    if revision.kind == EntryRevision.Kind.REVOCATION:
        yield _("It was revoked.")
    elif revision.expires_at <= at:
        yield _("It ended on %(date)s.") % {"date": revision.expires_at.date().isoformat()}
    if not Scope.of_revision(revision).takes(target):
        yield _("This namespace or cluster is outside its scope.")
    elif revision.entry.carried_in(target.tier) is None:
        yield _("It has not been promoted to production.")
    elif revision.entry.passport not in published.passports:
        yield _not_published(revision, published)


def _not_published(revision: EntryRevision, published: Bundle) -> str:
    fidelity = published.fidelity.get(revision.entry.passport)
    if fidelity is not None:
        return _("This cluster cannot carry it: %(reason)s.") % {"reason": fidelity["reason"]}
    return _("It is approved, but not published on this cluster yet.")


def _terms(revision: EntryRevision) -> str:
    if not revision.workload:
        return _("For every pod of the namespace.")
    selector = format_selector(LabelSelector(tuple(revision.workload.items())))
    return _("Only for pods labelled %(labels)s.") % {"labels": selector}


def _guardrail(question: Question, target: Target) -> str:
    """The template's own refusal, which no entry overrides where the dialect can deny."""
    if question.address is None or target.enforcement_point.dialect != "cilium":
        return ""
    asked = AddressSet.of([ipaddress.ip_network(question.address)])
    if not template_of(target.cluster).guarded.covers(asked):
        return ""
    return _("The standard template denies %(address)s to everybody, whatever an entry says.") % {
        "address": question.address
    }


def _notes(question: Question, published: Bundle, matches: list[Match], *, is_known: bool) -> Iterable[str]:
    if not is_known:
        yield _("The cluster was not compared lately; whether it still carries this is not known.")
    if question.port == 53 and question.protocol in ("TCP", "UDP"):
        yield _("Questions to the cluster's own DNS are allowed by the template.")
    for match in matches:
        fidelity = published.fidelity.get(match.entry.passport)
        if fidelity and fidelity["verdict"] != "exact":
            yield f"{match.entry.passport}: {fidelity['reason']}."
    if matches and question.name is not None:
        yield _("Names are allowed by the answers of DNS; the cluster decides by addresses that it has seen there.")
    yield _("An API server accepted the policy; that it is enforced is known only from flows.")
