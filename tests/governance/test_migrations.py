"""The triggers can be taken away and put back: a migration that cannot be undone cannot be deployed."""

from importlib import import_module

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname ~ '^(governance|allowlist)_'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize(
    ("module", "count"),
    [
        ("governance.migrations.0002_hold_four_eyes", 5),
        ("allowlist.migrations.0003_hold_revisions_and_generations", 3),
    ],
)
def test_triggers_go_and_come_back(module, count):
    (operation,) = import_module(module).Migration.operations
    before = triggers()

    with connection.cursor() as cursor:
        cursor.execute(operation.reverse_sql)
        gone = before - triggers()
        cursor.execute(operation.sql)

    assert len(gone) == count
    assert triggers() == before
