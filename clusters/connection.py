"""A connection test that says at which step it ended: name, connection, TLS, sign-in, identity, rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from clusters.states import Outcome
from connectors.access import ServerUrl
from connectors.addresses import AddressPolicy
from connectors.errors import (
    BadReply,
    ConnectorError,
    CredentialRefused,
    Forbidden,
    InvalidCredential,
    Missing,
    RefusedAddress,
    Rejected,
    ServerFault,
    Throttled,
    TimedOut,
    Unreachable,
    Untrusted,
)
from connectors.kube import KubeClient, Object

Result = Literal["ok", "warning", "failed"]
_DETAIL_LENGTH = 400
_ANONYMOUS = "system:anonymous"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report: what was tried, how it went, in words."""

    step: str
    result: Result
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"step": self.step, "result": self.result, "detail": self.detail[:_DETAIL_LENGTH]}


@dataclass(slots=True)
class Report:
    """What a contact found out on its way, complete up to the step at which it ended."""

    outcome: Outcome = Outcome.ANSWERED
    verdict: str = ""
    findings: list[Finding] = field(default_factory=list)
    version: str = ""
    identity: str = ""

    @property
    def is_answer(self) -> bool:
        return self.outcome in {Outcome.ANSWERED, Outcome.LIMITED}

    def note(self, step: str, result: Result, detail: str) -> None:
        self.findings.append(Finding(step, result, printable(detail)))

    def end(self, outcome: Outcome, *, step: str, detail: str) -> None:
        self.note(step, "failed", detail)
        self.outcome, self.verdict = outcome, printable(detail)

    def limit(self, step: str, detail: str) -> None:
        """Something is missing, and the rest goes on."""
        self.note(step, "warning", detail)
        self.outcome = Outcome.LIMITED


@dataclass(frozen=True, slots=True)
class Right:
    """Something that the portal's identity must be allowed to do on the cluster."""

    verb: str
    group: str
    plural: str

    def __str__(self) -> str:
        return f"{self.verb} {self.plural}{'.' + self.group if self.group else ''}"


_POLICY_VERBS = ("list", "create", "patch", "delete")
NEEDED = (
    Right("list", "", "namespaces"),
    *(Right(verb, "networking.k8s.io", "networkpolicies") for verb in _POLICY_VERBS),
)
NEEDED_ON_CILIUM = tuple(Right(verb, "cilium.io", "ciliumnetworkpolicies") for verb in _POLICY_VERBS)

#: The steps that a first request passes silently, and what each error says about them.
_PASSED = {"connection": "A connection was made.", "tls": "The certificate is valid for this address."}


def check_connection(
    report: Report, *, client: KubeClient, server: ServerUrl, policy: AddressPolicy, pinned: str
) -> None:
    """Walk through the steps in order; a step that fails ends the walk, and every step before it is in the report."""
    try:
        _check_address(report, server=server, policy=policy)
        _check_version(report, client)
        _check_sign_in(report, client)
        _check_identity(report, client, pinned=pinned)
    except _Ended:
        return


def check_rights(report: Report, *, client: KubeClient, rights: tuple[Right, ...]) -> None:
    """Add a line about each right that is missing, or one line that all are there."""
    try:
        missing = [str(right) for right in rights if not _is_allowed(client, right)]
    except (Missing, Forbidden, Rejected):
        report.limit("rights", "The cluster does not tell what our identity may do.")
        return
    if missing:
        report.limit("rights", f"Our identity may not: {', '.join(missing)}.")
    else:
        report.note("rights", "ok", f"Our identity may do all of the {len(rights)} things that are needed.")


def printable(text: str) -> str:
    """Words of a cluster, without control characters."""
    return "".join(character if character.isprintable() else " " for character in text)


class _Ended(Exception):
    """The walk is over."""


def _check_address(report: Report, *, server: ServerUrl, policy: AddressPolicy) -> None:
    try:
        endpoint = policy.check(host=server.host, port=server.port)
    except RefusedAddress as error:
        report.end(Outcome.UNTRUSTED, step="address", detail=error.message)
        raise _Ended from None
    except Unreachable as error:
        report.end(Outcome.NO_ANSWER, step="address", detail=error.message)
        raise _Ended from None
    shown = ", ".join(str(address) for address in endpoint.addresses[:4])
    report.note("address", "ok", f"{server.host} is {shown}." if shown != server.host else f"{shown} is allowed.")


def _check_version(report: Report, client: KubeClient) -> None:
    try:
        report.version = printable(client.version().git_version)[:40]
    except Forbidden:
        _passed(report, "connection", "tls")
        report.limit("version", "Our identity may not read the version.")
        return
    except ConnectorError as error:
        _end_at_first_request(report, error)
        raise _Ended from None
    _passed(report, "connection", "tls")
    report.note("version", "ok", f"Kubernetes {report.version}.")


def _passed(report: Report, *steps: str) -> None:
    for step in steps:
        report.note(step, "ok", _PASSED[step])


def _end_at_first_request(report: Report, error: ConnectorError) -> None:
    """The first request passes several steps at once; the kind of its error tells where it stopped."""
    if isinstance(error, InvalidCredential):
        report.end(Outcome.REFUSED, step="sign-in", detail=error.message)
    elif isinstance(error, RefusedAddress):
        report.end(Outcome.UNTRUSTED, step="address", detail=error.message)
    elif isinstance(error, TimedOut | Unreachable):
        report.end(Outcome.NO_ANSWER, step="connection", detail=error.message)
    elif isinstance(error, Untrusted):
        _passed(report, "connection")
        report.end(Outcome.UNTRUSTED, step="tls", detail=error.message)
    elif isinstance(error, CredentialRefused):
        _passed(report, "connection", "tls")
        report.end(Outcome.REFUSED, step="sign-in", detail="The cluster does not accept our credential (401).")
    else:
        _passed(report, "connection", "tls")
        report.end(Outcome.NO_ANSWER, step="version", detail=error.message)


def _check_sign_in(report: Report, client: KubeClient) -> None:
    try:
        answer = client.create(_review("authentication.k8s.io", "SelfSubjectReview", {}), dry_run=True)
    except (Missing, Forbidden, Rejected):
        report.note("sign-in", "warning", "The cluster does not tell who we are to it.")
        return
    except ConnectorError as error:
        _end_later(report, error, step="sign-in")
        raise _Ended from None
    info = _inner(_inner(answer, "status"), "userInfo")
    name = printable(str(info.get("username") or "unknown"))[:200]
    if name == _ANONYMOUS:
        report.end(Outcome.REFUSED, step="sign-in", detail="The cluster takes our credential for nobody's.")
        raise _Ended
    report.note("sign-in", "ok", f"Signed in as {name}.")


def _check_identity(report: Report, client: KubeClient, *, pinned: str) -> None:
    try:
        report.identity = printable(client.kube_system_uid())[:64]
    except Forbidden:
        report.end(
            Outcome.REFUSED, step="identity", detail="Our identity may not read the namespace kube-system (403)."
        )
        raise _Ended from None
    except ConnectorError as error:
        _end_later(report, error, step="identity")
        raise _Ended from None
    if not report.identity:
        report.end(Outcome.NO_ANSWER, step="identity", detail="The namespace kube-system has no UID.")
        raise _Ended
    if pinned and report.identity != pinned:
        detail = f"Another cluster answers: kube-system has UID {report.identity}, pinned is {pinned}."
        report.end(Outcome.STRANGER, step="identity", detail=detail)
        raise _Ended
    known = "as pinned" if pinned else "pinned from now on"
    report.note("identity", "ok", f"kube-system has UID {report.identity}, {known}.")


def _end_later(report: Report, error: ConnectorError, *, step: str) -> None:
    is_refusal = isinstance(error, CredentialRefused | Forbidden)
    is_server = isinstance(error, BadReply | ServerFault | Throttled | Unreachable | Missing)
    outcome = Outcome.REFUSED if is_refusal else Outcome.NO_ANSWER if is_server else Outcome.UNTRUSTED
    report.end(outcome, step=step, detail=error.message)


def _is_allowed(client: KubeClient, right: Right) -> bool:
    attributes = {"verb": right.verb, "group": right.group, "resource": right.plural}
    spec = {"resourceAttributes": attributes}
    answer = client.create(_review("authorization.k8s.io", "SelfSubjectAccessReview", spec), dry_run=True)
    return _inner(answer, "status").get("allowed") is True


def _review(group: str, kind: str, spec: Object) -> Object:
    review: Object = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {}}
    return {**review, "spec": spec} if spec else review


def _inner(value: Object, key: str) -> Object:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
