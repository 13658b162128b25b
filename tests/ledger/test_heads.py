"""Exported heads: signed, readable by other programs, and good evidence against the database itself."""

from __future__ import annotations

import base64
from io import StringIO
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command

from ledger.heads import ForgedHead, current_head, export, read_export
from ledger.models import LedgerEntry
from ledger.services import BEFORE_THE_FIRST
from tests import factories

pytestmark = pytest.mark.django_db
KEY, OTHER_KEY = (base64.b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))


def exported(settings, key: str = KEY) -> dict[str, object]:
    settings.LEDGER_SIGNING_KEY = key
    out = StringIO()
    call_command("export_ledger_head", stdout=out)
    return orjson.loads(out.getvalue())


def test_the_head_of_an_empty_ledger_can_be_exported(settings) -> None:
    assert exported(settings, key="")["hash"] == BEFORE_THE_FIRST


def test_without_a_key_the_head_is_exported_unsigned(settings) -> None:
    factories.team()

    document = exported(settings, key="")

    last = LedgerEntry.objects.first()
    assert (document["sequence"], document["hash"]) == (last.sequence, last.hash)
    assert "signature" not in document


def test_any_program_can_check_the_signature(settings) -> None:
    factories.team()

    document = exported(settings)

    signed = {name: document[name] for name in ("at", "hash", "sequence")}
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(str(document["public_key"])))
    verifier.verify(base64.b64decode(str(document["signature"])), orjson.dumps(signed, option=orjson.OPT_SORT_KEYS))


@pytest.mark.parametrize("field", ["sequence", "hash", "at", "signature"])
def test_a_changed_export_is_refused(settings, field: str) -> None:
    factories.team()
    document = exported(settings)
    key = str(document["public_key"])
    changed = {"sequence": 1, "hash": "f" * 64, "at": "2020-01-01", "signature": base64.b64encode(b"x" * 64).decode()}

    assert read_export(orjson.dumps(document), public_key=key).hash == document["hash"]
    with pytest.raises(ForgedHead):
        read_export(orjson.dumps({**document, field: changed[field]}), public_key=key)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{}", b'{"sequence": "x", "hash": "", "at": ""}', b"\xff"])
def test_what_is_no_export_is_refused(text: bytes) -> None:
    with pytest.raises(ForgedHead):
        read_export(text)


def test_an_unsigned_export_does_not_pass_where_a_signature_is_asked_for(settings) -> None:
    document = export(current_head())

    with pytest.raises(ForgedHead):
        read_export(orjson.dumps(document), public_key=str(exported(settings)["public_key"]))


def test_an_export_signed_by_another_key_is_refused(settings) -> None:
    ours, theirs = exported(settings), exported(settings, key=OTHER_KEY)

    with pytest.raises(ForgedHead):
        read_export(orjson.dumps(theirs), public_key=str(ours["public_key"]))


def test_the_verifier_takes_an_export_from_a_file(settings, tmp_path: Path) -> None:
    factories.team()
    document = exported(settings)
    file = tmp_path / "head.json"
    file.write_bytes(orjson.dumps(document))
    factories.team()

    call_command("verify_ledger", export=file, public_key=document["public_key"], stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("verify_ledger", export=tmp_path / "absent.json", stdout=StringIO())


@pytest.mark.parametrize("key", ["short", "AAAA", "***"])
def test_an_unusable_key_is_said_without_showing_it(settings, key: str) -> None:
    with pytest.raises(CommandError) as caught:
        exported(settings, key=key)

    assert key not in str(caught.value)
