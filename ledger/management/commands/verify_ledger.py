"""Prove that the ledger is whole, or name the first broken link."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ledger.models import LedgerEntry
from ledger.verification import verify


class Command(BaseCommand):
    help = "Walk the hash chain of the ledger; exit 1 and name the first broken link if it is not whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", help="a hash exported earlier, which must still be in the chain")

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(total=LedgerEntry.objects.count(), unit=" entries", disable=None) as bar:
            result = verify(expected_head=options["head"], progress=bar.update)
        if not result.is_whole:
            raise CommandError(f"The chain breaks at entry {result.broken_at}: {result.reason}.")
        self.stdout.write(f"{result.checked} entries, unbroken. Head: {result.head}")
