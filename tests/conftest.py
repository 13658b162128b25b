"""What every test may use: a real PostgreSQL of its own, people, and clients."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from connectors.sealing import PrivateKey, generate_key_pair

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"

pytest_plugins = ["tests.kubeapi.fixtures", "tests.scheduling"]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public test data, which lies beside the checkout and not in it."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: public CRDs and recorded verdicts are not here")
    return SHARED


@pytest.fixture(scope="session")
def opening_key() -> PrivateKey:
    """The private credential key of the run; in-process pushing needs both halves."""
    return generate_key_pair()[1]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """Transactional tests empty tables by TRUNCATE, which the ledger refuses; its own tests switch that on again."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_ledgerentry DISABLE TRIGGER ledger_no_truncate")


@pytest.fixture(autouse=True)
def _credential_keys(settings, opening_key: PrivateKey) -> None:
    settings.CREDENTIAL_SEALING_KEY = opening_key.public.text()
    settings.CREDENTIAL_OPENING_KEYS = [opening_key.text()]
