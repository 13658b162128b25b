"""``manage.py push``: push what is due now, with a progress bar; for operators, where the opening key is."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from clusters.access import can_open
from rollouts import progress
from rollouts.claims import find_work, waiting_count
from rollouts.models import NamespacePush
from rollouts.pushing import push_due
from rollouts.tasks import worker_name


class Command(BaseCommand):
    """Exit status 1 when something that was tried failed or is held."""

    help = "Push every namespace that is due, read it back and record what came of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=1000, help="At most this many namespaces (default 1000).")
        parser.add_argument("--no-progress", action="store_true", help="No progress bar.")

    def handle(self, *_args: Any, limit: int, no_progress: bool, **_options: Any) -> None:
        if not can_open():
            raise CommandError("This process holds no opening key (SALLYPORT_OPENING_KEYS): it cannot reach clusters.")
        progress.advance()
        find_work(timezone.now())
        total = min(limit, waiting_count(timezone.now()))
        with tqdm(total=total, unit="namespace", disable=no_progress or not sys.stderr.isatty()) as bar:
            tried = push_due(worker_name(), limit, told=lambda: bar.update(1))
        progress.advance()
        self._report(tried)

    def _report(self, tried: int) -> None:
        states = Counter(NamespacePush.objects.values_list("state", flat=True))
        words = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no namespace is enrolled"
        self.stdout.write(f"{tried} pushed; now {words}")
        if states[NamespacePush.State.FAILED] or states[NamespacePush.State.HELD]:
            for push in NamespacePush.objects.filter(state__in=["failed", "held"]).select_related("namespace__cluster"):
                self.stderr.write(f"{push.namespace}: {push.held_because or push.last_error}")
            sys.exit(1)
