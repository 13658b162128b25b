"""Why a flow may leave or may not, as far as what was published tells."""

from __future__ import annotations

import pytest

from policy.template import METADATA_GUARDRAILS, template
from rollouts import explaining
from rollouts.comparison import compare_due
from rollouts.errors import InvalidQuestion, Unknown
from rollouts.explaining import Explanation, explain
from rollouts.models import NamespacePush
from rollouts.services import request_comparison
from tests import factories
from tests.rollouts.fleet import Fleet, kubectl_on, soon
from tests.rollouts.manifests import network_policy, rule


def ask(fleet: Fleet, destination: str, port: int | None = 443, *, stage: str = "staging", **more: str) -> Explanation:
    return explain(
        user=fleet.lead,
        cluster=fleet.sites[stage].cluster.name,
        namespace=fleet.namespace,
        destination=destination,
        port=port,
        **more,
    )


def test_an_allowed_flow_names_its_entry_owner_reason_approver_and_end(fleet: Fleet) -> None:
    revision = fleet.grant("*.example.com")
    fleet.push()

    answer = ask(fleet, "api.example.com")

    assert answer.verdict == "allowed"
    (match,) = answer.matches
    assert match.entry.passport == revision.entry.passport
    assert (match.entry.team, match.approvers) == (fleet.team, [str(fleet.reviewer)])
    assert match.revision.justification
    assert match.generation == fleet.sites["staging"].push.published.generation
    assert match.entry.passport in answer.sentence


@pytest.mark.parametrize(
    ("destination", "port", "protocol", "lacks"),
    [
        ("a.b.example.com", 443, "TCP", "which this is not"),
        ("example.com", 443, "TCP", "which this is not"),
        ("api.example.com", 8443, "TCP", "opens 443/tcp only"),
        ("api.example.com", 443, "UDP", "opens 443/tcp only"),
    ],
)
def test_a_denied_flow_names_what_comes_near_and_what_it_lacks(
    fleet: Fleet, destination: str, port: int, protocol: str, lacks: str
) -> None:
    fleet.grant("*.example.com")
    fleet.push()

    answer = ask(fleet, destination, port, protocol=protocol)

    assert (answer.verdict, answer.matches) == ("denied", ())
    assert [lacks in match.reason for match in answer.near_misses] == [True]


def test_what_is_approved_and_not_published_yet_does_not_allow(fleet: Fleet) -> None:
    fleet.grant("10.20.0.0/16")
    fleet.push()
    fleet.grant("192.0.2.0/24")

    answer = ask(fleet, "192.0.2.7")

    assert answer.verdict == "denied"
    assert "not published on this cluster yet" in answer.near_misses[0].reason


def test_an_entry_that_was_not_promoted_is_near_in_production(two_tiers: Fleet) -> None:
    two_tiers.grant("10.20.0.0/16")
    two_tiers.push()
    from allowlist.services import enrol_namespace

    enrol_namespace(actor=two_tiers.engineer, namespace_id=two_tiers.sites["production"].namespace.pk)
    two_tiers.push()

    assert ask(two_tiers, "10.20.0.1").verdict == "allowed"
    answer = ask(two_tiers, "10.20.0.1", stage="production")
    assert answer.verdict == "denied"
    assert "not been promoted" in answer.near_misses[0].reason


def test_the_templates_guardrail_beats_an_entry(fleet: Fleet, monkeypatch) -> None:
    fleet.grant("169.254.0.0/16")
    fleet.push()
    guarded = template("v1", guardrails=METADATA_GUARDRAILS)
    monkeypatch.setattr(explaining, "template_of", lambda _cluster: guarded)

    answer = ask(fleet, "169.254.169.254")

    assert answer.verdict == "denied"
    assert "169.254.169.254" in answer.sentence


def test_a_namespace_without_default_deny_is_not_known(fleet: Fleet) -> None:
    assert ask(fleet, "api.example.com").verdict == "unknown"


def test_somebody_elses_opening_is_named(plain_fleet: Fleet) -> None:
    plain_fleet.grant("10.20.0.0/16")
    plain_fleet.push()
    site = plain_fleet.sites["staging"]
    theirs = network_policy(rule("203.0.113.0/24"), name="theirs")
    theirs["metadata"] = {"name": "theirs", "namespace": plain_fleet.namespace, "labels": {"team": "shop"}}
    with kubectl_on(site.plane) as kubectl:
        kubectl.create(theirs)
    request_comparison(actor=plain_fleet.engineer, cluster_id=site.cluster.pk)
    compare_due("test")

    answer = ask(plain_fleet, "203.0.113.5")

    assert answer.verdict == "denied"
    assert [one.name for one in answer.may_allow_more] == ["theirs"]


def test_an_old_comparison_says_so(fleet: Fleet) -> None:
    fleet.grant("10.20.0.0/16")
    fleet.push()
    NamespacePush.objects.update(compared_at=soon(hours=-2))

    assert any("not compared lately" in note for note in ask(fleet, "10.20.0.1").notes)


@pytest.mark.parametrize(
    ("destination", "port", "protocol", "field"),
    [
        ("", 443, "TCP", "destination"),
        ("not a name", 443, "TCP", "destination"),
        ("x" * 400, 443, "TCP", "destination"),
        ("api.example.com", None, "TCP", "port"),
        ("api.example.com", 70000, "TCP", "port"),
        ("api.example.com", 443, "GRE", "protocol"),
    ],
)
def test_an_unreadable_question_names_its_field(fleet: Fleet, destination, port, protocol, field) -> None:
    with pytest.raises(InvalidQuestion) as caught:
        ask(fleet, destination, port, protocol=protocol)

    assert caught.value.details["field"] == field


def test_a_stranger_finds_no_such_namespace(fleet: Fleet) -> None:
    with pytest.raises(Unknown):
        explain(
            user=factories.person(),
            cluster=fleet.sites["staging"].cluster.name,
            namespace=fleet.namespace,
            destination="api.example.com",
            port=443,
        )
