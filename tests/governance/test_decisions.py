"""Approving, rejecting, sending back: by whom, of what, and what then follows."""

from datetime import timedelta

import pytest
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.services import create_automation_account, grant_role, withdraw_role
from allowlist.models import DesiredNamespace, EntryRevision
from allowlist.services import extend_entry
from governance import services
from governance.errors import (
    EffectChanged,
    InvalidDecision,
    InvalidTransition,
    MayNotDecide,
    NothingLeftToApprove,
    NotSubmittable,
    OwnRequest,
    StaleRevision,
)
from governance.models import Approval
from ledger.models import LedgerEntry
from policy.errors import DomainError
from tests.allowlist import factories as fleet
from tests.factories import administrator, lead, person, platform_engineer, team
from tests.governance.factories import State, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def test_the_last_approval_lets_the_change_through(world):
    request = world.approve(world.ask())
    assert request.state == State.IN_REVIEW
    assert not EntryRevision.objects.exists()

    request = world.approve(request, by=world.lead)

    assert request.state == State.APPROVED
    revision = request.entry.latest
    assert revision.request_id == request.pk
    assert revision.effect_hash == request.effect_hash
    assert set(revision.approved_by.all()) == {world.reviewer, world.lead}
    assert list(DesiredNamespace.objects.values_list("generation", flat=True)) == [1]
    actions = list(LedgerEntry.objects.order_by("sequence").values_list("action", flat=True))
    assert actions[-4:] == ["request.submitted", "request.approved", "request.approved", "entry.revision-approved"]


def test_approving_twice_changes_nothing(world):
    request = world.approve(world.ask())

    again = world.approve(request)

    assert again.approvals.count() == 1


def test_one_persons_approval_counts_for_one_role(world):
    grant_role(actor=administrator(), user_id=world.lead.pk, role="security-reviewer")
    both = type(world.lead).objects.get(pk=world.lead.pk)

    request = world.approve(world.ask(), by=both)

    assert request.state == State.IN_REVIEW
    assert [one.role for one in request.approvals.all()] == ["team-lead"]
    assert world.approve(request).state == State.APPROVED


def test_a_person_with_two_roles_chooses_in_which_to_approve(world):
    grant_role(actor=administrator(), user_id=world.lead.pk, role="security-reviewer")
    both = type(world.lead).objects.get(pk=world.lead.pk)

    request = world.approve(world.ask(), by=both, role="security-reviewer")

    assert request.approvals.get().role == "security-reviewer"
    with pytest.raises(NothingLeftToApprove):
        world.approve(request, by=world.reviewer)
    assert world.approve(request, by=lead(world.team)).state == State.APPROVED


def test_high_risk_needs_two_reviewers(world):
    request = world.ask(ports="any", actor=world.lead)

    request = world.approve(request)
    assert request.state == State.IN_REVIEW
    assert world.approve(request, by=world.second).state == State.APPROVED


@pytest.mark.parametrize("action", ["approve", "reject", "send_back"])
def test_who_asked_or_edited_last_decides_nothing(world, action):
    grant_role(actor=administrator(), user_id=world.lead.pk, role="security-reviewer")
    both = type(world.lead).objects.get(pk=world.lead.pk)
    asked = world.ask("one.example.com", actor=both)
    edited = world.ask("two.example.com")
    edited = services.edit_request(
        actor=both,
        request_id=edited.pk,
        revision=1,
        proposal=fleet.proposal("two.example.com", ports="8443"),
    )

    for request in (asked, edited):
        with pytest.raises(OwnRequest):
            getattr(world, action)(request, by=both)
    assert not Approval.objects.exists()


@pytest.mark.parametrize("action", ["approve", "reject", "send_back"])
def test_without_a_needed_role_nobody_decides(world, action):
    request = world.ask()

    for stranger in (person(), platform_engineer(), lead(team())):
        with pytest.raises(MayNotDecide):
            getattr(world, action)(request, by=stranger)


def test_a_role_that_was_withdrawn_counts_no_more(world):
    request = world.ask()
    withdraw_role(actor=administrator(), user_id=world.reviewer.pk, role="security-reviewer")

    with pytest.raises(MayNotDecide):
        world.approve(request, by=type(world.reviewer).objects.get(pk=world.reviewer.pk))


def test_an_automation_account_approves_nothing(world):
    robot = create_automation_account(
        actor=administrator(), email="robot@example.com", display_name="Robot", responsible=world.reviewer
    )
    robot.groups.add(*world.reviewer.groups.all())

    with pytest.raises(MayNotDecide):
        world.approve(world.ask(), by=type(robot).objects.get(pk=robot.pk))


def test_the_requesters_own_automation_account_is_the_requester(world):
    robot = create_automation_account(
        actor=administrator(), email="robot@example.com", display_name="Robot", responsible=world.reviewer
    )
    robot.memberships.create(team=world.team)
    assign_perm("act_for_team", robot, world.team)
    request = world.ask(actor=type(robot).objects.get(pk=robot.pk))

    assert request.requester_person == world.reviewer
    with pytest.raises(OwnRequest):
        world.approve(request)


def test_an_approval_of_an_older_revision_changes_nothing(world):
    request = world.ask()
    services.edit_request(
        actor=world.requester, request_id=request.pk, revision=1, proposal=fleet.proposal(ports="8443")
    )

    with pytest.raises(StaleRevision):
        world.approve(request, revision=1)
    with pytest.raises(StaleRevision):
        world.approve(request, effect_hash="0" * 64)
    assert not Approval.objects.exists()


def test_a_new_cluster_in_scope_makes_the_approval_stale_and_shows_the_new_effect(world):
    request = world.approve(world.ask())
    shown = request.effect_hash
    third = fleet.cluster("stage-2", owner=world.team)
    fleet.namespace(third, "payments", of=world.team)

    with pytest.raises(EffectChanged) as caught:
        world.approve(request, by=world.lead)

    assert caught.value.details["because"] == ["stage-2/payments is new in scope"]
    request.refresh_from_db()
    assert request.effect_hash == caught.value.details["effect_hash"] != shown
    assert (request.revision, request.approvals.standing().count()) == (2, 0)
    assert world.approve_fully(request).state == State.APPROVED


def test_the_sweep_finds_effects_that_moved_on(world):
    request = world.approve(world.ask())
    assert services.recheck_waiting() == 0

    point = world.clusters["non-production"].enforcement_points.get()
    point.dialect = "networkpolicy"
    point.save()

    assert services.recheck_waiting() == 1
    request.refresh_from_db()
    assert request.effect["targets"][0]["verdict"] == "impossible"
    assert not request.approvals.standing().exists()


def test_a_reviewer_can_ask_for_todays_effect(world):
    request = world.ask()
    world.clusters["non-production"].enforcement_points.update(dialect="networkpolicy")

    assert services.recheck_request(actor=world.reviewer, request_id=request.pk).revision == 2


def test_nothing_is_approved_that_no_cluster_can_enforce_any_more(world):
    request = world.ask()
    for cluster in world.clusters.values():
        cluster.enforcement_points.update(dialect="networkpolicy")
    services.recheck_waiting()

    with pytest.raises(NotSubmittable):
        world.approve(request)


def test_an_entry_that_moved_makes_its_change_stale(world):
    entry = world.in_force()
    request = world.ask("two.example.com", kind="modify", entry_id=entry.pk)
    extend_entry(actor=world.lead, entry_id=entry.pk, expires_at=timezone.now() + timedelta(days=200))

    with pytest.raises(EffectChanged) as caught:
        world.approve(request)

    assert caught.value.details["because"] == ["replaces: [1, 1] → [2, 2]"]


def test_a_rejection_cites_its_rule_and_the_nearest_acceptable_change(world):
    request = world.reject(world.ask())

    assert request.state == State.REJECTED
    given = request.approvals.get()
    assert (given.cited_rule, given.acceptable_change) == ("destination-too-broad", "api.example.com on 443/tcp")


@pytest.mark.parametrize("missing", ["comment", "cited_rule"])
def test_a_rejection_without_its_words_is_refused(world, missing):
    request = world.ask()
    words = {"comment": "No.", "cited_rule": "rule", missing: " "}

    with pytest.raises(InvalidDecision) as caught:
        services.reject_request(actor=world.reviewer, request_id=request.pk, revision=1, **words)

    assert set(caught.value.details["fields"]) == {missing}


def test_a_request_that_was_sent_back_keeps_its_approvals_if_its_effect_stays(world):
    request = world.approve(world.ask(), by=world.lead)
    world.send_back(request)

    resubmitted = services.submit_request(actor=world.requester, request_id=request.pk)

    assert resubmitted.state == State.IN_REVIEW
    assert world.approve(resubmitted).state == State.APPROVED


def test_decisions_end_with_the_review(world):
    request = world.reject(world.ask())

    with pytest.raises(InvalidTransition):
        world.approve(request, by=world.second)


def test_control_characters_in_a_comment_are_refused(world):
    with pytest.raises(DomainError):
        world.approve(world.ask(), comment="so\x00")
