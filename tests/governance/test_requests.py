"""Asking, editing, covering: what the requester's verbs do and what they refuse."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import system_account
from allowlist.models import Entry, EntryRevision
from allowlist.proposals import Proposal
from allowlist.services import promote_revision
from governance import services
from governance.effects import effect_hash
from governance.errors import (
    EntryNotInForce,
    InvalidRequest,
    MayNotRequest,
    NotSubmittable,
    OpenRequestExists,
    StaleRevision,
)
from governance.models import EgressRequest
from ledger.models import LedgerEntry
from notifications.models import Notification
from tests.allowlist import factories as fleet
from tests.factories import member, person, team
from tests.governance.factories import State, World

pytestmark = pytest.mark.django_db
Kind = EgressRequest.Kind


@pytest.fixture
def world() -> World:
    return World()


def edit(world, request, **fields):
    destination = fields.pop("destination", request.destination)
    actor = fields.pop("actor", world.requester)
    base = fleet.proposal(destination, **fields)
    return services.edit_request(
        actor=actor, request_id=request.pk, revision=fields.get("revision", request.revision), proposal=base
    )


def test_a_request_freezes_its_effect_its_risk_and_its_needs(world):
    request = world.ask()

    assert request.state == State.IN_REVIEW
    assert request.effect_hash == effect_hash(request.effect)
    assert [need["role"] for need in request.needs] == ["security-reviewer", "team-lead"]
    assert request.risk["version"]
    clusters = [(one["cluster"], one["verdict"]) for one in request.effect["targets"]]
    assert clusters == [("stage-1", "exact"), ("prod-1", "exact")]


def test_numbers_grow_without_gaps(world):
    assert [world.ask(f"a{number}.example.com").number for number in range(3)] == [1, 2, 3]


def test_a_lead_who_asks_has_consented_for_the_team(world):
    request = world.ask(actor=world.lead)

    assert [need["role"] for need in request.needs] == ["security-reviewer"]
    assert world.approve(request).state == State.APPROVED


def test_reviewers_hear_of_it_and_the_requester_of_the_outcome(world):
    request = world.ask()
    heard = set(Notification.objects.values_list("recipient__email", flat=True))
    assert {world.reviewer.email, world.second.email, world.lead.email} <= heard
    assert world.requester.email not in heard

    world.approve_fully(request)

    assert Notification.objects.filter(recipient=world.requester, topic="request").count() == 1


def test_only_the_team_may_ask(world):
    with pytest.raises(MayNotRequest):
        world.ask(actor=member(team()))
    with pytest.raises(MayNotRequest):
        world.ask(actor=world.reviewer)


def test_what_is_allowed_already_closes_itself(world):
    entry = world.in_force("**.example.com")

    request = world.ask("api.example.com", days=30)

    assert request.state == State.COVERED
    assert request.entry == entry
    assert LedgerEntry.objects.filter(action="request.covered").count() == 1


@pytest.mark.parametrize(
    ("destination", "fields"),
    [
        ("169.254.169.254/32", {}),
        ("*.com", {}),
        ("0.0.0.0/1", {}),
        ("api.example.com", {"namespaces": ("nowhere",)}),
        ("api.example.com", {"environments": ("elsewhere",)}),
    ],
)
def test_what_can_come_to_nothing_is_refused_with_its_reason(world, destination, fields):
    with pytest.raises(NotSubmittable) as caught:
        world.ask(destination, **fields)

    assert caught.value.details["problems"]
    assert not EgressRequest.objects.exists()


def test_a_draft_may_say_what_cannot_be_submitted_yet(world):
    request = world.ask(namespaces=("nowhere",), submit=False)

    assert (request.state, request.effect_hash) == (State.DRAFT, "")
    with pytest.raises(NotSubmittable):
        services.submit_request(actor=world.requester, request_id=request.pk)


def test_a_name_that_no_cluster_can_say_is_refused_and_one_that_some_can_is_told():
    ours = team()
    plain = fleet.cluster("plain-1", owner=ours, dialect="networkpolicy")
    fleet.namespace(plain, "payments", of=ours)
    world = World(team=ours, clusters={"plain": plain})
    with pytest.raises(NotSubmittable) as caught:
        world.ask()
    assert "NetworkPolicy" in caught.value.message

    able = fleet.cluster("able-1", owner=ours)
    fleet.namespace(able, "payments", of=ours)
    request = world.ask()

    verdicts = {one["cluster"]: one["verdict"] for one in request.effect["targets"]}
    assert verdicts == {"plain-1": "impossible", "able-1": "exact"}


def test_a_corrected_reason_keeps_the_approvals(world):
    request = world.approve(world.ask())

    edited = edit(
        world, request, justification="The payment provider's API, as agreed in May.", expires_at=request.expires_at
    )

    assert edited.revision == 2
    assert edited.approvals.standing().count() == 1
    assert world.approve(edited, by=world.lead).state == State.APPROVED


def test_another_effect_voids_the_approvals_at_once(world):
    request = world.approve(world.ask())

    edited = edit(world, request, ports="443, 8443", expires_at=request.expires_at)

    assert edited.effect_hash != request.effect_hash
    assert not edited.approvals.standing().exists()
    assert "changed what is asked for" in edited.approvals.get().voided_because


def test_an_edit_that_changes_nothing_leaves_no_trace(world):
    request = world.ask()
    written = LedgerEntry.objects.count()

    same = edit(world, request, expires_at=request.expires_at)

    assert (same.revision, LedgerEntry.objects.count()) == (1, written)


def test_an_approver_who_edits_loses_the_approval(world):
    request = world.approve(world.ask(), by=world.lead)

    edited = edit(
        world, request, actor=world.lead, justification="Another reason altogether.", expires_at=request.expires_at
    )

    assert not edited.approvals.standing().exists()


def test_a_stale_edit_says_who_changed_what(world):
    request = world.ask()
    edit(world, request, ports="8443", expires_at=request.expires_at)

    with pytest.raises(StaleRevision) as caught:
        edit(world, request, ports="9443", expires_at=request.expires_at)

    assert str(world.requester) in caught.value.message
    assert "443/tcp → 8443/tcp" in caught.value.message
    assert caught.value.details["current"] == 2


def test_one_change_of_an_entry_is_open_at_a_time(world):
    entry = world.in_force()
    first = world.ask("two.example.com", kind=Kind.MODIFY, entry_id=entry.pk)

    with pytest.raises(OpenRequestExists) as caught:
        world.ask(kind=Kind.REVOKE, entry_id=entry.pk)

    assert caught.value.details == {"request": first.number}


def test_a_renewal_moves_the_end_only(world):
    entry = world.in_force()
    end = timezone.now() + timedelta(days=300)

    with pytest.raises(InvalidRequest):
        world.ask("two.example.com", kind=Kind.RENEW, entry_id=entry.pk)
    request = services.create_request(
        actor=world.requester,
        team_id=world.team.pk,
        kind=Kind.RENEW,
        entry_id=entry.pk,
        proposal=Proposal.of_revision(entry.latest, expires_at=end),
    )
    world.approve_fully(request)

    entry.refresh_from_db()
    assert (entry.latest.number, entry.latest.expires_at) == (2, end)


def test_a_revocation_needs_one_reviewer_and_becomes_a_tombstone(world):
    entry = world.in_force()

    request = services.create_request(
        actor=world.requester, team_id=world.team.pk, kind=Kind.REVOKE, entry_id=entry.pk, justification="Moved away."
    )
    assert [(need["role"], need["count"]) for need in request.needs] == [("security-reviewer", 1)]
    world.approve(request)

    entry.refresh_from_db()
    assert entry.latest.kind == EntryRevision.Kind.REVOCATION
    assert entry.in_production.kind == EntryRevision.Kind.GRANT
    promote_revision(actor=None, revision_id=entry.latest.pk)
    assert not Entry.objects.in_force(timezone.now()).exists()


def test_what_is_not_in_force_cannot_be_changed(world):
    entry = world.in_force()
    later = timezone.now() + timedelta(days=91)

    with pytest.raises(EntryNotInForce):
        world.ask(kind=Kind.MODIFY, entry_id=entry.pk, at=later)
    with pytest.raises(InvalidRequest):
        world.ask(kind=Kind.ADD, entry_id=entry.pk)
    with pytest.raises(InvalidRequest):
        world.ask(kind=Kind.MODIFY)


def test_another_teams_entry_cannot_be_changed(world):
    entry = world.in_force()
    other = team()

    with pytest.raises(InvalidRequest):
        services.create_request(actor=member(other), team_id=other.pk, kind=Kind.REVOKE, entry_id=entry.pk)


def test_a_campaign_may_ask_for_a_revocation_without_a_person(world):
    entry = world.in_force()
    robot = system_account(email="campaigns@sallyport.invalid", display_name="Campaigns")

    request = services.create_request(
        actor=robot, team_id=world.team.pk, kind=Kind.REVOKE, entry_id=entry.pk, origin="campaign"
    )

    assert world.approve(request).state == State.APPROVED
    with pytest.raises(MayNotRequest):
        services.create_request(
            actor=robot, team_id=world.team.pk, kind=Kind.ADD, proposal=fleet.proposal(), origin="campaign"
        )


def test_silence_ends_a_request(world):
    request = world.ask()
    sent_back = world.send_back(world.ask("two.example.com"))

    assert services.lapse_unanswered(timezone.now() + timedelta(days=13)) == 0
    assert services.lapse_unanswered(timezone.now() + timedelta(days=15)) == 2
    for one in (request, sent_back):
        one.refresh_from_db()
        assert one.state == State.LAPSED


def test_a_stranger_can_neither_edit_nor_withdraw(world):
    request = world.ask()

    with pytest.raises(MayNotRequest):
        edit(world, request, actor=person(), ports="1")
    with pytest.raises(MayNotRequest):
        services.withdraw_request(actor=world.reviewer, request_id=request.pk)
