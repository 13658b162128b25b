"""Make the pair of keys under which cluster credentials are sealed."""

from typing import Any

from django.core.management.base import BaseCommand

from connectors.sealing import generate_key_pair


class Command(BaseCommand):
    help = "Print a fresh pair of keys as environment lines: one for every process, one for the pusher alone."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        public, private = generate_key_pair()
        self.stdout.write("# For every process: seals credentials, opens nothing.")
        self.stdout.write(f"SALLYPORT_SEALING_KEY={public.text()}")
        self.stdout.write("# For the pusher alone. When keys change, put the new one first and keep the old ones.")
        self.stdout.write(f"SALLYPORT_OPENING_KEYS={private.text()}")
