"""The three sides of a difference as text, each compared with the published one."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from rollouts.models import DriftFinding
from rollouts.objects import GENERATION, essence, sorted_lists

MAX_LINES = 400
CONTEXT = 6


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its name, what it is, and its lines with a sign where they differ from what was published."""

    name: str
    about: str
    lines: tuple[tuple[str, str], ...]
    is_there: bool


def sides_of(finding: DriftFinding) -> list[Side]:
    """Approved, published and live; an object that is not there says so instead of being empty."""
    published = _lines(finding.published)
    return [
        Side(_("Approved"), _("As the entries in force compile now."), *_marked(published, finding.approved)),
        Side(_("Published"), _("As it was last written and read back."), *_marked(published, finding.published)),
        Side(_("Live"), _("As it lay on the cluster when last compared."), *_marked(published, finding.live)),
    ]


def _marked(published: list[str], side: dict[str, Any] | None) -> tuple[tuple[tuple[str, str], ...], bool]:
    if side is None:
        return (), False
    lines = _lines(side)
    if not published or lines == published:
        return tuple((" ", line) for line in lines[:MAX_LINES]), True
    return tuple(_folded(published, lines))[:MAX_LINES], True


def _folded(published: list[str], lines: list[str]) -> Iterator[tuple[str, str]]:
    """What differs with a few lines around it: in a large policy nobody finds one changed line."""
    for line in difflib.unified_diff(published, lines, n=CONTEXT, lineterm=""):
        if line.startswith(("---", "+++")):
            continue
        yield (" ", "…") if line.startswith("@@") else (line[0], line[1:])


def _lines(side: dict[str, Any] | None) -> list[str]:
    """The object as indented JSON; the generation is left out, which alone tells approved and published apart."""
    if side is None:
        return []
    shown = sorted_lists(essence(side))
    shown["metadata"]["annotations"] = {
        key: value for key, value in shown["metadata"]["annotations"].items() if key != GENERATION
    }
    return json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
