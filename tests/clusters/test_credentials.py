"""A credential goes in and never comes out, except in the pusher and for its own row."""

import io
import logging
import traceback

import pytest
from django.core.management import call_command
from django.db import connection

from clusters import access as opening
from clusters.errors import (
    CredentialLocked,
    CredentialMissing,
    FleetForbidden,
    IdentityUnknown,
    InvalidCluster,
    NoSealingKey,
)
from clusters.models import Cluster, ClusterCredential, Contact
from clusters.services import register_cluster, replace_credential, retire_cluster
from connectors.sealing import generate_key_pair
from ledger.models import LedgerEntry
from tests import factories
from tests.clusters import factories as fleet

pytestmark = pytest.mark.django_db
CANARY = fleet.CANARY


def everything_stored() -> str:
    """Every row of every table as text, as a dump would hold it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {connection.ops.quote_name(table)} t")  # noqa: S608
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


@pytest.mark.parametrize("text", [CANARY, CANARY.encode().hex()])
def test_no_table_holds_the_token(text):
    fleet.cluster()

    assert text not in everything_stored()


def test_no_table_holds_the_client_key():
    fleet.cluster(using=fleet.certificate_access())

    key_line = fleet.client_leaf().key_pem.splitlines()[1]
    stored = everything_stored()
    assert key_line not in stored
    assert key_line.encode().hex() not in stored


def test_the_ledger_tells_of_the_registration_without_the_secret():
    cluster = fleet.cluster("atlas")

    entry = LedgerEntry.objects.get(action="cluster.registered")
    assert entry.details["server"] == cluster.server
    assert entry.details["credential"]["fingerprint"] == cluster.credential.fingerprint
    assert CANARY not in str(entry.details)


def test_the_pusher_opens_what_was_sealed():
    cluster = fleet.cluster()

    opened = opening.open_access(cluster)

    assert opened.token == CANARY
    assert str(opened.server) == cluster.server


def test_a_sealed_credential_does_not_open_in_another_row():
    cluster, other = fleet.cluster(), fleet.cluster(using=fleet.access(token="another-token"))
    stolen = ClusterCredential.objects.get(cluster=cluster).sealed
    ClusterCredential.objects.filter(cluster=other).update(sealed=stolen)

    with pytest.raises(CredentialLocked):
        opening.open_access(other)


def test_without_the_opening_key_nothing_opens(settings):
    cluster = fleet.cluster()
    settings.CREDENTIAL_OPENING_KEYS = []

    with pytest.raises(CredentialLocked):
        opening.open_access(cluster)


def test_another_installations_key_opens_nothing_and_the_error_is_silent(settings, caplog):
    cluster = fleet.cluster()
    settings.CREDENTIAL_OPENING_KEYS = [generate_key_pair()[1].text()]

    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialLocked) as caught:
        opening.open_access(cluster)

    told = "".join(traceback.format_exception(caught.value)) + caplog.text + str(caught.value.details)
    assert CANARY not in told
    assert settings.CREDENTIAL_OPENING_KEYS[0] not in told


def test_a_garbled_credential_is_locked_and_no_crash():
    cluster = fleet.cluster()
    ClusterCredential.objects.filter(cluster=cluster).update(sealed=b"\xff\x00garbage")

    with pytest.raises(CredentialLocked):
        opening.open_access(cluster)


def test_a_changed_address_in_the_row_does_not_send_the_key_there():
    cluster = fleet.cluster()
    Cluster.objects.filter(pk=cluster.pk).update(server="https://203.0.113.66")
    cluster.refresh_from_db()

    assert str(opening.open_access(cluster).server) == "https://10.20.30.40:6443"


def test_without_a_sealing_key_no_credential_is_taken_in(settings):
    settings.CREDENTIAL_SEALING_KEY = ""

    with pytest.raises(NoSealingKey):
        fleet.cluster()

    assert not Cluster.objects.exists()


def test_replacing_seals_anew_and_keeps_the_pinned_identity():
    cluster = fleet.answered(fleet.cluster())
    before = cluster.credential.fingerprint

    replace_credential(
        actor=factories.platform_engineer(), cluster_id=cluster.pk, access=fleet.access(token="the-next-token")
    )

    cluster.refresh_from_db()
    assert opening.open_access(cluster).token == "the-next-token"
    assert ClusterCredential.objects.get(cluster=cluster).fingerprint != before
    assert cluster.identity
    assert Contact.objects.filter(cluster=cluster, kind="test", state="due").exists()
    assert LedgerEntry.objects.filter(action="cluster.credential-replaced").count() == 1


def test_retiring_destroys_the_credential():
    cluster = fleet.cluster()

    retire_cluster(actor=factories.platform_engineer(), cluster_id=cluster.pk, reason="moved")

    with pytest.raises(CredentialMissing):
        opening.open_access(cluster)


def test_a_cluster_that_was_never_contacted_gets_no_client():
    with pytest.raises(IdentityUnknown):
        opening.kube_client(fleet.cluster())


@pytest.mark.parametrize("roles", [(), ("security-reviewer",), ("auditor",)])
def test_others_than_the_fleets_people_cannot_register(roles):
    stranger = factories.person(roles=roles)

    with pytest.raises(FleetForbidden):
        fleet.cluster(actor=stranger)

    assert not Cluster.objects.exists()


@pytest.mark.parametrize(
    "server",
    [
        "https://169.254.169.254",
        "https://[fd00:ec2::254]",
        "https://[::ffff:169.254.169.254]",
        "https://0.0.0.0:6443",
        "https://metadata.google.internal",
        "https://224.0.0.1",
    ],
)
def test_an_address_that_is_never_allowed_is_refused_at_registration(server):
    with pytest.raises(InvalidCluster) as caught:
        fleet.cluster(using=fleet.access(server=server))

    assert list(caught.value.fields) == ["server"]


def test_loopback_is_refused_unless_it_is_allowed(settings):
    settings.ALLOW_LOOPBACK_CLUSTERS = False
    with pytest.raises(InvalidCluster):
        fleet.cluster(using=fleet.access(server="https://127.0.0.1:6443"))

    settings.ALLOW_LOOPBACK_CLUSTERS = True
    assert fleet.cluster(using=fleet.access(server="https://127.0.0.1:6443")).server == "https://127.0.0.1:6443"


def test_a_name_that_does_not_resolve_here_is_left_to_the_test():
    cluster = fleet.cluster(using=fleet.access(server="https://api.nowhere.invalid:6443"))

    assert cluster.state == Cluster.State.REGISTERED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Upper"}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"labels": {"bad key!": "x"}}, "labels"),
        ({"labels": {"tier": "nul\x00"}}, "labels"),
        ({"dns": {"ports": [0]}}, "dns_ports"),
        ({"dns": {"ports": [True]}}, "dns_ports"),
        ({"dns": {"node_local_addresses": ["here"]}}, "dns_node_local_addresses"),
        ({"dns": {"exec": "x"}}, "dns"),
    ],
)
def test_what_is_not_usable_names_its_field(change, field):
    given = {
        "name": "atlas",
        "labels": {},
        "environment_id": fleet.environment().pk,
        "owner_team_id": factories.team().pk,
        "access": fleet.access(),
        **change,
    }

    with pytest.raises(InvalidCluster) as caught:
        register_cluster(actor=factories.platform_engineer(), **given)

    assert list(caught.value.fields) == [field]


def test_the_keys_command_prints_a_pair_that_works(settings):
    out = io.StringIO()
    call_command("make_credential_keys", stdout=out)
    lines = dict(line.split("=", 1) for line in out.getvalue().splitlines() if "=" in line)
    settings.CREDENTIAL_SEALING_KEY = lines["SALLYPORT_SEALING_KEY"]
    settings.CREDENTIAL_OPENING_KEYS = [lines["SALLYPORT_OPENING_KEYS"]]

    assert opening.open_access(fleet.cluster()).token == CANARY
