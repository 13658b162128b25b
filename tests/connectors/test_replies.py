"""What answers mean, from literals: codes, reasons and causes, and who owns which field."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.errors import (
    AlreadyExists,
    BadReply,
    Conflict,
    ConnectorError,
    CredentialRefused,
    FieldConflict,
    Forbidden,
    Gone,
    Missing,
    NamespaceTerminating,
    Rejected,
    ServerFault,
    StaleObject,
    Throttled,
    Transient,
)
from connectors.http import Reply, Scrubber
from connectors.kube import foreign_paths, generation_of, is_ours, managers_of
from connectors.kube.ownership import as_applied, has_leftover
from connectors.kube.reading import is_about_egress
from connectors.kube.replies import read_error, retry_after

SCRUB = Scrubber(("canary-secret",))


def reply(code: int, *, headers: dict[str, str] | None = None, **status: Any) -> Reply:
    body = orjson.dumps({"kind": "Status", "code": code, **status})
    return Reply(code, {"content-type": "application/json", **(headers or {})}, body)


def causes(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"causes": [{"reason": reason, "field": field, "message": "m"} for reason, field in pairs]}


TERMINATING = causes(("NamespaceTerminating", "metadata.namespace"))
UNTYPED = "failed to create typed patch object (a/b): .spec.x: field not declared in schema"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(400, message="bad"), Rejected),
        (reply(401), CredentialRefused),
        (reply(403, reason="Forbidden", message="User may not"), Forbidden),
        (reply(403, message='admission webhook "policy.example.com" denied the request: no'), Rejected),
        (reply(403, reason="Forbidden", details=TERMINATING), NamespaceTerminating),
        (reply(404, reason="NotFound"), Missing),
        (reply(405), Rejected),
        (reply(409, reason="AlreadyExists"), AlreadyExists),
        (reply(409, reason="Conflict"), StaleObject),
        (reply(409, reason="Conflict", details=causes(("FieldManagerConflict", ".spec.egress"))), FieldConflict),
        (reply(410, reason="Expired"), Gone),
        (reply(413), Rejected),
        (reply(418), BadReply),
        (reply(422, reason="Invalid", details=causes(("FieldValueInvalid", "spec.x"))), Rejected),
        (reply(429, headers={"retry-after": "7"}), Throttled),
        (reply(500, message="etcdserver: no space"), ServerFault),
        (reply(500, message=UNTYPED), Rejected),
        (reply(503), ServerFault),
        (reply(504, reason="Timeout"), ServerFault),
    ],
)  # fmt: skip
def test_each_answer_has_its_own_error(answer: Reply, error: type[ConnectorError]) -> None:
    assert type(read_error(answer, scrub=SCRUB)) is error


def test_only_what_may_heal_is_transient() -> None:
    healing = {code for code in range(400, 600) if isinstance(read_error(reply(code), scrub=SCRUB), Transient)}

    assert healing == {429, *range(500, 600)}


def test_causes_carry_their_field_paths() -> None:
    error = read_error(reply(422, details=causes(("FieldValueInvalid", "spec.a"), ("X", "spec.b"))), scrub=SCRUB)

    assert isinstance(error, Rejected)
    assert [cause.field for cause in error.causes] == ["spec.a", "spec.b"]


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ('strict decoding error: unknown field "spec.a", unknown field "spec.b[0].c"', ["spec.a", "spec.b[0].c"]),
        ("failed to create typed patch object (n/x; v1, Kind=Y): .spec.a: field not declared in schema", ["spec.a"]),
        ("something else", []),
    ],
)
def test_unknown_fields_are_found_in_texts_without_causes(message: str, fields: list[str]) -> None:
    error = read_error(reply(400, message=message), scrub=SCRUB)

    assert isinstance(error, Rejected)
    assert [cause.field for cause in error.causes] == fields


def test_texts_of_the_server_are_scrubbed_bounded_and_plain() -> None:
    noisy = "canary-secret \x1b[31m\n" + "x" * 100_000
    many = {"causes": [{"field": noisy, "message": noisy, "reason": noisy}] * 1000}
    error = read_error(reply(409, reason=noisy, message=noisy, details=many), scrub=SCRUB)

    shown = repr(error) + repr(error.details)
    assert isinstance(error, Conflict)
    assert "canary-secret" not in shown
    assert "\x1b" not in error.message
    assert len(shown) < 1_000_000


@pytest.mark.parametrize("details", [None, [], "x", {"causes": None}, {"causes": [1, None]}, {"causes": {}}])
def test_a_status_of_odd_shape_is_survived(details: Any) -> None:
    error = read_error(reply(422, details=details, message=None, reason=None), scrub=SCRUB)

    assert error.message == "The server answered 422"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("999999", 3600.0),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 50, None),
        ("", None),
    ],
)
def test_only_plain_seconds_are_waited_for(text: str, seconds: float | None) -> None:
    assert retry_after(Reply(429, {"retry-after": text}, b"")) == seconds


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, "time": "2026-01-01T00:00:00Z", **more}


def test_a_leftover_is_merged_into_our_apply_and_others_are_left_alone() -> None:
    theirs = entry("helm", "Update", {"f:spec": {}})
    status = entry("sallyport", "Update", {"f:status": {}}, subresource="status")
    obj = {
        "metadata": {
            "managedFields": [
                theirs,
                entry("sallyport", "Update", {"f:spec": {"f:egress": {}, "f:podSelector": {"f:a": {}}}}),
                entry("sallyport", "Apply", {"f:spec": {"f:podSelector": {"f:b": {}}}}),
                status,
            ]
        }
    }

    merged = as_applied(obj)

    assert has_leftover(obj)
    assert not has_leftover({"metadata": {"managedFields": merged}})
    ours = [one for one in merged if one["manager"] == "sallyport" and "subresource" not in one]
    assert [(one["operation"], one["fieldsV1"]) for one in ours] == [
        ("Apply", {"f:spec": {"f:egress": {}, "f:podSelector": {"f:a": {}, "f:b": {}}}})
    ]
    assert theirs in merged
    assert status in merged


def test_an_object_without_bookkeeping_belongs_to_nobody() -> None:
    for obj in ({}, {"metadata": None}, {"metadata": {"managedFields": None}}, {"metadata": {"managedFields": ["x"]}}):
        assert not is_ours(obj)
        assert not has_leftover(obj)
        assert as_applied(obj) == []
        assert generation_of(obj) is None
        assert managers_of(obj, path=("spec",)) == ()


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("0", 0), ("-1", None), ("x", None), ("", None), ("1e3", None), ("9" * 30, None)]
)
def test_a_generation_is_a_plain_number_or_none(text: str, number: int | None) -> None:
    assert generation_of({"metadata": {"annotations": {"sallyport.dev/generation": text}}}) == number


def test_foreign_fields_are_those_that_others_own_and_we_do_not_want() -> None:
    live = {
        "apiVersion": "v1",
        "kind": "P",
        "metadata": {
            "labels": {"team": "red"},
            "managedFields": [
                entry("sallyport", "Apply", {"f:spec": {"f:egress": {}}}),
                entry("edit", "Update", {"f:spec": {"f:ingress": {}, "f:deep": {"f:a": {}}}, "f:metadata": {}}),
                entry("operator", "Update", {"f:status": {}, "f:spec": {"f:byStatus": {}}}, subresource="status"),
            ],
        },
        "spec": {"egress": [], "ingress": [{}], "deep": {"a": 1, "b": 2}, "defaulted": True, "byStatus": 1},
        "status": {"x": 1},
    }

    assert foreign_paths(desired={"spec": {"egress": [], "deep": {"b": 2}}}, live=live) == (
        ("spec", "ingress"),
        ("spec", "deep", "a"),
    )


@pytest.mark.parametrize(
    ("policy", "about"),
    [
        ({"spec": {"policyTypes": ["Egress"]}}, True),
        ({"spec": {"policyTypes": ["Ingress"], "egress": []}}, False),
        ({"spec": {"policyTypes": ["Ingress"]}}, False),
        ({"spec": {"ingress": []}}, False),
        ({"spec": {"egress": []}}, True),
        ({"specs": [{"ingress": []}, {"egressDeny": [{}]}]}, True),
        ({"spec": {"types": ["Egress"]}}, True),
        ({"spec": {"types": ["Ingress"]}}, False),
        ({"kind": "EgressFirewall", "spec": {}}, True),
        ({"kind": "FQDNNetworkPolicy", "spec": None}, True),
        ({}, False),
    ],
)
def test_a_policy_is_about_egress_or_not(policy: dict[str, Any], about: bool) -> None:
    assert is_about_egress(policy) is about
