"""How far the practice clusters are, for the pages to show."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from practice import build_status


@dataclass(frozen=True)
class Progress:
    """One of building, starting, joining, telling, running, unavailable, failed, stopped; and what is done now."""

    state: str
    text: str
    since: datetime | None
    build_line: str = ""

    @property
    def is_under_way(self) -> bool:
        return self.state in {"building", "starting", "joining", "telling"}


def note(state: str, text: str) -> None:
    """Write where the command stands; a reader never sees half a line."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_text(json.dumps({"state": state, "text": text, "since": timezone.now().isoformat()}))
    os.replace(written, path)


def read() -> Progress | None:
    """The last note, with the build's newest line while it builds; None where there are no practice clusters."""
    try:
        noted = json.loads(_path().read_text())
    except (OSError, ValueError):
        return None
    line = build_status().last_line if noted["state"] == "building" else ""
    return Progress(noted["state"], noted["text"], datetime.fromisoformat(noted["since"]), line)


def _path() -> Path:
    return Path(settings.DATA_DIR) / "practice" / "progress.json"
