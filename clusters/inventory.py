"""Running one contact: ask the cluster, outside any transaction, then write down what it said in one."""

from __future__ import annotations

import logging
import time
import uuid

from django.db import transaction
from django.utils import timezone

from clusters import access, contacts
from clusters.connection import Report, check_connection
from clusters.errors import CredentialLocked, CredentialMissing
from clusters.models import Cluster, Contact
from clusters.outcomes import note_outcome
from clusters.recording import apply_inventory, apply_report
from clusters.states import Outcome
from clusters.survey import Inventory, check_what_we_may, take_inventory, verdict_of
from connectors.errors import ConnectorError
from connectors.kube import KubeClient

logger = logging.getLogger(__name__)

#: A task starts no contact after this, so that the last one is over before the worker's own time is.
RUN_SECONDS = 60.0


def run_due(*, seconds: float = RUN_SECONDS) -> int:
    """Run contacts until none is due or the time is over; how many were run. Does nothing without an opening key."""
    if not access.can_open():
        logger.warning("No opening key here: contacts are left for the pusher.")
        return 0
    over_at = time.monotonic() + seconds
    done = 0
    while time.monotonic() < over_at:
        contact = contacts.claim_next(timezone.now())
        if contact is None:
            break
        run_claimed(contact)
        done += 1
    return done


def run_contact(contact_id: uuid.UUID) -> Contact:
    """Run one contact now, whoever else might want it; it is claimed first, so that nobody else writes its result."""
    with transaction.atomic():
        contact = Contact.objects.select_for_update().get(pk=contact_id)
        contact.state, contact.lease_until = Contact.State.RUNNING, timezone.now() + contacts.LEASE
        contact.attempts += 1
        contact.save(update_fields=["state", "lease_until", "attempts"])
    run_claimed(contact)
    contact.refresh_from_db()
    return contact


def run_claimed(contact: Contact) -> Report:
    """Ask the cluster and record the answer; a worker that lost its claim meanwhile records nothing."""
    cluster = Cluster.objects.get(pk=contact.cluster_id)
    report, inventory = _ask(cluster, contact)
    with transaction.atomic():
        # The cluster before the contact, as everywhere: retiring takes them in the same order.
        Cluster.objects.select_for_update().get(pk=contact.cluster_id)
        if contacts.is_held(contact):
            _record(contact, report, inventory)
        else:
            logger.warning("Contact %s is no longer this worker's; its result is dropped.", contact.pk)
    return report


def _ask(cluster: Cluster, contact: Contact) -> tuple[Report, Inventory]:
    report, inventory = Report(), Inventory()
    policy = access.address_policy()
    try:
        sealed = access.open_access(cluster)
        with KubeClient(access=sealed, address_policy=policy, limits=access.CONTACT_LIMITS) as client:
            check_connection(report, client=client, server=sealed.server, policy=policy, pinned=cluster.identity)
            if report.is_answer and contact.kind == Contact.Kind.TEST:
                check_what_we_may(client=client, report=report)
            elif report.is_answer:
                inventory = take_inventory(client=client, report=report)
    except (CredentialLocked, CredentialMissing) as error:
        report.end(Outcome.REFUSED, step="credential", detail=error.message)
    except ConnectorError as error:
        report.end(Outcome.NO_ANSWER, step="reading", detail=error.message)
    report.verdict = report.verdict or verdict_of(report, inventory)
    return report, inventory


def _record(contact: Contact, report: Report, inventory: Inventory) -> None:
    at = timezone.now()
    if report.is_answer:
        _refuse_second_registration(contact, report)
    cluster = note_outcome(cluster_id=contact.cluster_id, outcome=report.outcome, reason=report.verdict, at=at)
    if report.is_answer:
        apply_report(cluster=cluster, report=report)
        if contact.kind == Contact.Kind.INVENTORY:
            apply_inventory(cluster=cluster, inventory=inventory, at=at)
    contacts.finish(contact=contact, report=report, at=at)
    if report.is_answer and cluster.inventoried_at is None:
        contacts.open_contact(cluster=cluster, kind=Contact.Kind.INVENTORY, requested_by=None)


def _refuse_second_registration(contact: Contact, report: Report) -> None:
    """One API server under two names would be written to by two plans, and one of them might skip its proof."""
    twin = Cluster.objects.in_service().filter(identity=report.identity).exclude(pk=contact.cluster_id).first()
    if twin is not None:
        report.end(Outcome.STRANGER, step="identity", detail=f"This cluster is registered already, as {twin.name}.")
