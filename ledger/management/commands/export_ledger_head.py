"""Print the head of the ledger, signed, to be kept outside of the database."""

from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.heads import UnusableKey, current_head, export


class Command(BaseCommand):
    help = "Print {sequence, hash, at} as JSON, with an Ed25519 signature where SALLYPORT_LEDGER_KEY is set."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = export(current_head(), key=settings.LEDGER_SIGNING_KEY)
        except UnusableKey as error:
            raise CommandError(error.message) from error
        self.stdout.write(orjson.dumps(document).decode())
