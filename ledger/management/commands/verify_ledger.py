"""Prove that the ledger is whole, or name the first broken link."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ledger.heads import ForgedHead, read_export
from ledger.models import LedgerEntry
from ledger.verification import verify


class Command(BaseCommand):
    help = "Walk the hash chain of the ledger; exit 1 and name the first broken link if it is not whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", help="a hash exported earlier, which must still be in the chain")
        parser.add_argument("--export", type=Path, help="a file written by export_ledger_head, in place of --head")
        parser.add_argument("--public-key", default="", help="base64; the export must be signed by this key")

    def handle(self, *args: Any, **options: Any) -> None:
        expected = _expected_head(options)
        with tqdm(total=LedgerEntry.objects.count(), unit=" entries", disable=None) as bar:
            result = verify(expected_head=expected, progress=bar.update)
        if not result.is_whole:
            raise CommandError(f"The chain breaks at entry {result.broken_at}: {result.reason}.")
        self.stdout.write(f"{result.checked} entries, unbroken. Head: {result.head}")


def _expected_head(options: dict[str, Any]) -> str | None:
    if options["export"] is None:
        return options["head"]
    try:
        return read_export(options["export"].read_bytes(), public_key=options["public_key"]).hash
    except ForgedHead as error:
        raise CommandError(error.message) from error
    except OSError as error:
        raise CommandError(f"The export cannot be read: {error.strerror}.") from error
