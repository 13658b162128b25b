"""The chain: every change of the past is refused by the database, and found where the refusal was switched off."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction

from accounts.models import Role, Team, User
from ledger.models import LedgerEntry
from ledger.origin import coming_from
from ledger.services import BEFORE_THE_FIRST, record
from ledger.verification import verify
from tests import factories

LENGTH = 6


@pytest.fixture
def chain(db) -> list[LedgerEntry]:
    """A small chain of its own length, whatever the making of its subject wrote."""
    team = factories.team()
    while LedgerEntry.objects.count() < LENGTH:
        record("team.looked-at", actor=factories.administrator(), subject=team, turn=LedgerEntry.objects.count())
    return list(LedgerEntry.objects.order_by("sequence"))


@contextmanager
def without_triggers() -> Iterator[None]:
    """What somebody with the rights of the database's owner could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_ledgerentry DISABLE TRIGGER USER")
        yield
        cursor.execute("ALTER TABLE ledger_ledgerentry ENABLE TRIGGER USER")


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_an_untouched_chain_is_whole(chain: list[LedgerEntry]) -> None:
    result = verify(expected_head=chain[2].hash)

    assert result.is_whole
    assert (result.checked, result.head) == (len(chain), chain[-1].hash)
    assert chain[0].previous_hash == BEFORE_THE_FIRST


@pytest.mark.django_db
def test_an_empty_chain_is_whole() -> None:
    assert verify().is_whole


COLUMNS = {
    "action": "team.forged",
    "actor_name": "Somebody Else",
    "origin": "task",
    "subject_kind": "accounts.other",
    "subject_id": "other",
    "subject_name": "Other",
    "details": '{"turn": 99}',
    "recorded_at": datetime(2020, 1, 1, tzinfo=UTC),
    "team_id": uuid.UUID(int=7),
    "previous_hash": "f" * 64,
    "hash": "f" * 64,
    "actor_id": uuid.UUID(int=8),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("position", range(1, LENGTH + 1))
def test_an_edit_of_any_column_at_any_position_is_found_there(
    chain: list[LedgerEntry], column: str, position: int
) -> None:
    User.objects.create(pk=COLUMNS["actor_id"], email="other@example.com")
    with without_triggers():
        sql(f"UPDATE ledger_ledgerentry SET {column} = %s WHERE sequence = %s", COLUMNS[column], position)  # noqa: S608

    result = verify()

    assert result.broken_at == position
    assert result.reason


@pytest.mark.parametrize("position", range(1, LENGTH))
def test_a_deletion_before_the_end_is_found_there(chain: list[LedgerEntry], position: int) -> None:
    with without_triggers():
        sql("DELETE FROM ledger_ledgerentry WHERE sequence = %s", position)

    result = verify()

    assert result.broken_at == position
    assert "missing" in result.reason


@pytest.mark.parametrize("position", range(1, LENGTH))
def test_a_swap_of_neighbours_is_found_at_the_first(chain: list[LedgerEntry], position: int) -> None:
    with without_triggers():
        sql("UPDATE ledger_ledgerentry SET sequence = -1 WHERE sequence = %s", position)
        sql("UPDATE ledger_ledgerentry SET sequence = %s WHERE sequence = %s", position, position + 1)
        sql("UPDATE ledger_ledgerentry SET sequence = %s WHERE sequence = -1", position + 1)

    assert verify().broken_at == position


@pytest.mark.parametrize("position", range(1, LENGTH + 1))
def test_an_insertion_that_shifts_the_rest_is_found(chain: list[LedgerEntry], position: int) -> None:
    with without_triggers():
        sql("UPDATE ledger_ledgerentry SET sequence = -sequence WHERE sequence >= %s", position)
        sql("UPDATE ledger_ledgerentry SET sequence = -sequence + 1 WHERE sequence < 0")
        sql(
            "INSERT INTO ledger_ledgerentry (sequence, recorded_at, action, actor_name, origin, subject_kind,"
            " subject_id, subject_name, details, previous_hash, hash)"
            " SELECT %s, now(), 'team.forged', 'x', 'page', 'x', 'x', 'x', '{}', %s, repeat('e', 64)",
            position,
            chain[position - 2].hash if position > 1 else BEFORE_THE_FIRST,
        )

    assert verify().broken_at == position


@pytest.mark.parametrize("position", range(1, LENGTH))
def test_a_deletion_closed_up_by_renumbering_is_found(chain: list[LedgerEntry], position: int) -> None:
    with without_triggers():
        sql("DELETE FROM ledger_ledgerentry WHERE sequence = %s", position)
        sql("UPDATE ledger_ledgerentry SET sequence = -sequence WHERE sequence > %s", position)
        sql("UPDATE ledger_ledgerentry SET sequence = -sequence - 1 WHERE sequence < 0")

    assert verify().broken_at == position


@pytest.mark.parametrize("kept", range(LENGTH))
def test_a_tail_cut_off_is_found_by_a_head_exported_before(chain: list[LedgerEntry], kept: int) -> None:
    with without_triggers():
        sql("DELETE FROM ledger_ledgerentry WHERE sequence > %s", kept)

    assert verify().is_whole, "the chain alone cannot know that it was longer"
    assert verify(expected_head=chain[-1].hash).broken_at == kept + 1


def test_a_tail_rewritten_with_right_hashes_is_found_by_a_head_exported_before(chain: list[LedgerEntry]) -> None:
    head = chain[-1].hash
    with without_triggers():
        sql("DELETE FROM ledger_ledgerentry WHERE sequence > 3")
    while LedgerEntry.objects.count() < LENGTH:
        record("team.rewritten", actor=None, subject=Team.objects.get())

    assert verify().is_whole
    assert not verify(expected_head=head).is_whole


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_ledgerentry SET action = 'x' WHERE sequence = 1",
        "UPDATE ledger_ledgerentry SET action = action",
        "DELETE FROM ledger_ledgerentry WHERE sequence = 2",
        "DELETE FROM ledger_ledgerentry",
        "INSERT INTO ledger_ledgerentry SELECT * FROM ledger_ledgerentry WHERE sequence = 1"
        " ON CONFLICT (sequence) DO UPDATE SET action = 'x'",
        "TRUNCATE ledger_ledgerentry",
    ],
)
def test_the_database_itself_refuses_to_change_the_past(chain: list[LedgerEntry], statement: str) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE ledger_ledgerentry ENABLE TRIGGER ledger_no_truncate")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        sql(statement)

    assert verify(expected_head=chain[-1].hash).is_whole


def test_a_delete_through_the_models_is_refused_too(chain: list[LedgerEntry]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        chain[0].save()


VALUES: dict[str, Any] = {
    "huge integer": 2**70,
    "negative zero": -0.0,
    "large float": 1e22,
    "small float": 1e-9,
    "infinite": float("inf"),
    "not a number": float("nan"),
    "nul": "a\x00b",
    "half a character": "a\ud800b",
    "emoji": "🙂",
    "nested": {"b": [1, {"a": (1.5, None, True)}], 3: "key"},
    "set": {"b", "a"},
    "mixed set": {1, "a"},
    "date": date(2026, 1, 2),
    "moment": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    "decimal": Decimal("1.50"),
    "uuid": uuid.UUID(int=1),
    "choice": Role.AUDITOR,
    "bytes": b"abc",
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.django_db
def test_any_value_in_the_details_can_be_verified_from_the_row(name: str) -> None:
    record("team.tried", actor=None, subject=factories.team(), value=VALUES[name])

    assert verify().is_whole


@pytest.mark.django_db
def test_an_entry_outside_of_a_transaction_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.services.connection", SimpleNamespace(in_atomic_block=False))

    with pytest.raises(transaction.TransactionManagementError):
        record("team.tried", actor=None, subject=User())


@pytest.mark.django_db
def test_an_entry_goes_with_the_write_that_failed() -> None:
    team = factories.team()
    before = LedgerEntry.objects.count()

    with transaction.atomic():
        record("team.tried", actor=None, subject=team)
        transaction.set_rollback(True)

    assert LedgerEntry.objects.count() == before
    assert verify().is_whole


@pytest.mark.django_db
def test_an_entry_tells_from_where_it_came() -> None:
    with coming_from("api"):
        record("team.tried", actor=None, subject=factories.team())

    assert LedgerEntry.objects.first().origin == "api"


def _write(rounds: int, failures: list[Exception], start: threading.Barrier) -> None:
    try:
        start.wait(timeout=10)
        team = Team.objects.get()
        for turn in range(rounds):
            with transaction.atomic():
                record("team.raced", actor=None, subject=team, turn=turn)
    except Exception as error:  # noqa: BLE001  told to the test, which fails on any
        failures.append(error)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_leave_no_gap_and_no_fork() -> None:
    factories.team()
    before, failures, rounds = LedgerEntry.objects.count(), [], 40
    start = threading.Barrier(2)
    writers = [threading.Thread(target=_write, args=(rounds, failures, start)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)

    assert not failures
    assert verify().checked == before + 2 * rounds
    assert verify().is_whole


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_gives_up_leaves_no_gap() -> None:
    team = factories.team()
    before = LedgerEntry.objects.count()
    entered, release = threading.Event(), threading.Event()

    def give_up() -> None:
        try:
            with transaction.atomic():
                record("team.given-up", actor=None, subject=team)
                entered.set()
                release.wait(timeout=10)
                transaction.set_rollback(True)
        finally:
            connections.close_all()

    first = threading.Thread(target=give_up)
    first.start()
    entered.wait(timeout=10)
    threading.Timer(0.2, release.set).start()
    with transaction.atomic():
        written = record("team.kept", actor=None, subject=team)
    first.join(timeout=10)

    assert written.sequence == before + 1
    assert verify().is_whole


def _command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_command_names_the_first_broken_link(chain: list[LedgerEntry]) -> None:
    assert f"{len(chain)} entries, unbroken" in _command("verify_ledger")
    with without_triggers():
        sql("UPDATE ledger_ledgerentry SET action = 'x' WHERE sequence IN (3, 5)")

    with pytest.raises(CommandError, match="entry 3"):
        _command("verify_ledger")
