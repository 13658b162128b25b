"""A rollout from approval to production: proof first, then promotion, verified by what was read back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import Context, Template

from allowlist.services import extend_entry
from flows.models import EntryUsage
from ledger.models import LedgerEntry
from notifications.models import Notification
from rollouts.errors import NotAllowed, NotPossibleNow, NotProved, SamePerson, StatementMissing
from rollouts.models import Proof, Rollout, RolloutTarget
from rollouts.progress import advance, note_observed
from rollouts.services import confirm_proof, promote
from tests import factories
from tests.rollouts.fleet import Fleet, kubectl_on, soon

SAID = "The payment test suite passed against the sandbox."
NP = "NetworkPolicy"


def settled(fleet: Fleet) -> Rollout:
    advance()
    fleet.push()
    advance()
    return Rollout.objects.latest("started_at")


def test_production_waits_for_proof_and_promotion(two_tiers: Fleet) -> None:
    revision = two_tiers.grant("10.20.0.0/16")
    rollout = settled(two_tiers)

    production = two_tiers.sites["production"]
    assert rollout.state == "awaiting-proof"
    assert dict(rollout.targets.values_list("tier", "state")) == {
        "non-production": "verified",
        "production": "waiting",
    }
    with kubectl_on(production.plane) as kubectl:
        assert kubectl.names(NP, two_tiers.namespace) == []

    proof = confirm_proof(actor=two_tiers.engineer, rollout_id=rollout.pk, statement=SAID)
    assert proof.evidence[0]["bundle_hash"] == two_tiers.sites["staging"].push.published.hash
    promote(actor=two_tiers.reviewer, rollout_id=rollout.pk)
    rollout = settled(two_tiers)

    assert rollout.state == "complete"
    assert set(rollout.targets.values_list("state", flat=True)) == {"verified"}
    with kubectl_on(production.plane) as kubectl:
        stored = kubectl.get(NP, two_tiers.namespace)
    assert stored["metadata"]["annotations"]["sallyport.dev/passports"] == revision.entry.passport
    actions = LedgerEntry.objects.filter(action__startswith="rollout.").order_by("sequence")
    assert list(actions.values_list("action", flat=True)) == [
        "rollout.started",
        "rollout.awaiting-proof",
        "rollout.proved",
        "rollout.promoted",
        "rollout.complete",
    ]


def test_a_revocation_goes_the_same_way_and_is_verified_by_absence(two_tiers: Fleet) -> None:
    revision = two_tiers.grant("10.20.0.0/16")
    carry_to_production(two_tiers)
    two_tiers.revoke(revision.entry)
    rollout = carry_to_production(two_tiers)

    assert rollout.state == "complete"
    assert set(rollout.targets.values_list("state", "reason")) == {("verified", "The rule is gone.")}
    production = two_tiers.sites["production"]
    with kubectl_on(production.plane) as kubectl:
        assert "sallyport.dev/passports" not in kubectl.get(NP, two_tiers.namespace)["metadata"]["annotations"]


def carry_to_production(fleet: Fleet) -> Rollout:
    rollout = settled(fleet)
    confirm_proof(actor=fleet.engineer, rollout_id=rollout.pk, statement=SAID)
    promote(actor=fleet.reviewer, rollout_id=rollout.pk)
    return settled(fleet)


def test_an_extension_completes_without_a_second_proof(two_tiers: Fleet) -> None:
    revision = two_tiers.grant("10.20.0.0/16")
    carry_to_production(two_tiers)
    extend_entry(actor=two_tiers.lead, entry_id=revision.entry.pk, expires_at=soon(days=200))

    rollout = settled(two_tiers)

    assert rollout.revision.number == 2
    assert rollout.state == "complete"
    assert not Proof.objects.filter(rollout=rollout).exists()


def test_a_later_revision_supersedes_a_rollout_that_waits(two_tiers: Fleet) -> None:
    revision = two_tiers.grant("10.20.0.0/16")
    first = settled(two_tiers)
    two_tiers.grant("10.30.0.0/16", entry=revision.entry)
    advance()
    first.refresh_from_db()

    assert first.state == "superseded"
    with pytest.raises(NotPossibleNow):
        confirm_proof(actor=two_tiers.engineer, rollout_id=first.pk, statement=SAID)


def test_what_no_cluster_before_production_can_carry_still_needs_a_statement(plain_fleet: Fleet) -> None:
    revision = plain_fleet.grant("api.example.com")
    rollout = settled(plain_fleet)

    target = rollout.targets.get()
    assert (target.state, rollout.state) == ("impossible", "complete")
    assert "addresses only" in target.reason
    assert revision.entry.in_production_id is None


def test_the_person_who_asked_cannot_confirm(two_tiers: Fleet) -> None:
    two_tiers.grant()
    rollout = settled(two_tiers)

    with pytest.raises(SamePerson):
        confirm_proof(actor=two_tiers.lead, rollout_id=rollout.pk, statement=SAID)
    with pytest.raises(NotAllowed):
        confirm_proof(actor=factories.member(two_tiers.team), rollout_id=rollout.pk, statement=SAID)
    with pytest.raises(StatementMissing):
        confirm_proof(actor=two_tiers.engineer, rollout_id=rollout.pk, statement="  ok ")
    assert confirm_proof(actor=factories.lead(two_tiers.team), rollout_id=rollout.pk, statement=SAID)


def test_promotion_needs_a_proof_of_this_very_effect(two_tiers: Fleet) -> None:
    two_tiers.grant()
    rollout = settled(two_tiers)
    with pytest.raises(NotPossibleNow):
        promote(actor=two_tiers.engineer, rollout_id=rollout.pk)
    confirm_proof(actor=two_tiers.engineer, rollout_id=rollout.pk, statement=SAID)
    with pytest.raises(NotAllowed):
        promote(actor=two_tiers.lead, rollout_id=rollout.pk)
    Proof.objects.update(effect_hash="0" * 64)

    with pytest.raises(NotProved):
        promote(actor=two_tiers.engineer, rollout_id=rollout.pk)


def test_advancing_twice_changes_and_tells_nothing_more(two_tiers: Fleet) -> None:
    two_tiers.grant()
    settled(two_tiers)
    before = LedgerEntry.objects.count(), Notification.objects.count()

    assert advance() == 0
    assert (LedgerEntry.objects.count(), Notification.objects.count()) == before


def test_targets_that_a_dead_pusher_left_behind_are_settled_from_the_published_bundle(fleet: Fleet) -> None:
    fleet.grant()
    settled(fleet)
    Rollout.objects.update(state="non-production", completed_at=None)
    RolloutTarget.objects.update(state="waiting", verified_at=None)

    advance()

    assert Rollout.objects.get().state == "complete"
    assert RolloutTarget.objects.get().verified_at


def test_the_first_flow_under_what_was_read_back_is_noted_once(fleet: Fleet) -> None:
    revision = fleet.grant()
    rollout = settled(fleet)
    target = rollout.targets.get()
    site = fleet.sites["staging"]
    seen = {"entry": revision.entry, "cluster": site.cluster, "namespace": fleet.namespace, "flow_count": 3}
    before, after = target.verified_at - timedelta(hours=2), target.verified_at + timedelta(minutes=5)
    EntryUsage.objects.create(day=before.date(), workload="old", first_seen_at=before, last_seen_at=before, **seen)
    assert note_observed() == 0

    EntryUsage.objects.create(day=after.date(), workload="web", first_seen_at=after, last_seen_at=after, **seen)

    assert note_observed() == 1
    assert note_observed() == 0
    target.refresh_from_db()
    assert target.observed_at == after


def test_other_applications_pages_get_their_fragments(two_tiers: Fleet) -> None:
    revision = two_tiers.grant("10.20.0.0/16")
    settled(two_tiers)
    site = two_tiers.sites["staging"]
    page = Template(
        "{% load rollouts_tags audits_tags %}{% entry_deployments entry %}{% cluster_enforcement cluster %}"
        "{% entry_reviews entry %}"
    )
    context = {"user": two_tiers.lead, "entry": revision.entry, "cluster": site.cluster}

    shown = page.render(Context(context))

    assert "Waiting for proof" in shown
    assert "Default deny" in shown
    assert "In force" in shown
    assert "No campaign has reviewed it yet." in shown
