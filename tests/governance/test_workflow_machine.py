"""Random walks of several people over one request: whatever they do, no illegal approval ever stands."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from allowlist.models import EntryRevision
from governance import services
from governance.effects import effect_hash
from governance.models import EgressRequest
from governance.states import TRANSITIONS
from policy.errors import DomainError
from tests.allowlist import factories as fleet
from tests.governance.factories import State, World

PEOPLE = ("requester", "lead", "reviewer", "second")
PORTS = ("443/tcp", "8443/tcp", "any")
WORDS = ("The payment provider's API, as agreed.", "The payment provider's API, as agreed in May.")


class Workflow(RuleBasedStateMachine):
    """The services as people meet them; refusals are outcomes too."""

    @initialize(asker=st.sampled_from(("requester", "lead")), ports=st.sampled_from(PORTS))
    def ask(self, asker: str, ports: str) -> None:
        self.savepoint = transaction.savepoint()
        self.world = World()
        self.request = self.world.ask("api.example.com", actor=getattr(self.world, asker), ports=ports)
        self.last_state = self.request.state

    def teardown(self) -> None:
        """Each walk begins in the same empty world."""
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)

    @rule(who=st.sampled_from(PEOPLE), is_fresh=st.booleans())
    def approve(self, who: str, is_fresh: bool) -> None:
        revision = self.request.revision if is_fresh else self.request.revision - 1
        with contextlib.suppress(DomainError):
            self.world.approve(self.request, by=getattr(self.world, who), revision=revision)

    @rule(who=st.sampled_from(PEOPLE), ports=st.sampled_from(PORTS), words=st.sampled_from(WORDS))
    def edit(self, who: str, ports: str, words: str) -> None:
        what = fleet.proposal(ports=ports, justification=words, expires_at=self.request.expires_at)
        with contextlib.suppress(DomainError):
            services.edit_request(
                actor=getattr(self.world, who),
                request_id=self.request.pk,
                revision=self.request.revision,
                proposal=what,
            )

    @rule(who=st.sampled_from(PEOPLE))
    def send_back(self, who: str) -> None:
        with contextlib.suppress(DomainError):
            self.world.send_back(self.request, by=getattr(self.world, who))

    @rule(who=st.sampled_from(PEOPLE))
    def submit(self, who: str) -> None:
        with contextlib.suppress(DomainError):
            services.submit_request(actor=getattr(self.world, who), request_id=self.request.pk)

    @rule(dialect=st.sampled_from(("cilium", "networkpolicy")))
    def move_the_fleet(self, dialect: str) -> None:
        self.world.clusters["production"].enforcement_points.update(dialect=dialect)

    @rule()
    def sweep(self) -> None:
        services.recheck_waiting()
        services.lapse_unanswered(timezone.now() + timedelta(days=1))

    @invariant()
    def the_database_agrees(self) -> None:
        connection.check_constraints()

    @invariant()
    def no_illegal_approval_stands(self) -> None:
        self.request.refresh_from_db()
        standing = list(self.request.approvals.standing().filter(decision="approve"))
        persons = [one.reviewer_person_id for one in standing]
        assert len(set(persons)) == len(persons)
        assert self.request.requester_person_id not in persons
        assert self.request.last_editor_person_id not in persons
        assert {one.effect_hash for one in standing} <= {self.request.effect_hash}
        assert self.request.effect_hash == effect_hash(self.request.effect)

    @invariant()
    def approved_means_every_need_is_met(self) -> None:
        self.request.refresh_from_db()
        revisions = list(EntryRevision.objects.filter(request_id=self.request.pk))
        if self.request.state != State.APPROVED:
            assert revisions == []
            return
        standing = list(self.request.approvals.standing().filter(decision="approve"))
        for need in self.request.needs:
            assert sum(one.role == need["role"] for one in standing) >= need["count"]
        assert [one.effect_hash for one in revisions] == [self.request.effect_hash]
        assert revisions[0].ports == self.request.ports

    @invariant()
    def states_follow_the_table(self) -> None:
        self.request.refresh_from_db()
        if self.request.state != self.last_state:
            steps = {after for (_, before), after in TRANSITIONS.items() if before == self.last_state}
            assert self.request.state in steps
        self.last_state = self.request.state


@pytest.mark.django_db
@pytest.mark.timeout(900)  # a busy machine takes its time over a hundred steps with their invariants
def test_random_walks_over_the_workflow():
    run_state_machine_as_test(
        Workflow,
        settings=settings(
            max_examples=12,
            stateful_step_count=10,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert not EgressRequest.objects.exists()
