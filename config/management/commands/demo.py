"""The demonstration: its people, and its practice clusters for as long as the command runs."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import fleet, people, progress, story, traffic
from policy.errors import DomainError
from practice import ControlPlane, ControlPlaneUnavailable, ensure_programs


class Command(BaseCommand):
    help = "Make the demonstration's people, or run its practice clusters and play its story."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=["people", "fleet"])

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_MODE:
            raise CommandError("Set SALLYPORT_DEMO=true: the demonstration needs it, and real data must not have it.")
        try:
            people.ensure_people()
        except DomainError as error:
            raise CommandError(error.message) from error
        if options["part"] == "fleet":
            self._run_fleet()

    def _run_fleet(self) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        planes: list[ControlPlane] = []
        try:
            progress.note("building", "The practice control plane is built once; that takes some minutes.")
            ensure_programs()
            planes = fleet.start_fleet(lambda text: progress.note("starting", text))
            fleet.join_fleet(planes, lambda text: progress.note("joining", text))
            if not story.is_told():
                self._tell(planes)
            self._stay()
        except ControlPlaneUnavailable as error:
            progress.note("unavailable", str(error))
            self.stderr.write(f"No practice clusters: {error} The portal shows everything that needs none.")
        except (DomainError, TimeoutError) as error:
            progress.note("failed", str(error))
            raise
        except KeyboardInterrupt:
            progress.note("stopped", "")
        finally:
            for plane in planes:
                plane.stop()

    def _tell(self, planes: list[ControlPlane]) -> None:
        def say(text: str) -> None:
            progress.note("telling", text)

        story.tell_story(say)
        say("sending three days of flows")
        traffic.send_history()
        traffic.send_last_minute()
        story.begin_campaign(say)
        say("meddling with a cluster")
        fleet.meddle(planes[0])

    def _stay(self) -> None:
        progress.note("running", "")
        while True:
            time.sleep(traffic.MINUTE)
            traffic.send_last_minute()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
