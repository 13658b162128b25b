"""Proof that the trail is whole, or the first link where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.models import LedgerEntry
from ledger.services import BEFORE_THE_FIRST, entry_hash


@dataclass(frozen=True)
class Verification:
    """How many entries were checked, the last hash, and the first broken link if there is one."""

    checked: int
    head: str
    broken_at: int | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def verify(
    *, expected_head: str | None = None, progress: Callable[[int], object] = lambda _count: None
) -> Verification:
    """Walk the chain from its first entry; ``expected_head``, exported earlier, proves that no tail was cut off."""
    checked, previous, found_expected = 0, BEFORE_THE_FIRST, expected_head in (None, BEFORE_THE_FIRST)
    for entry in LedgerEntry.objects.order_by("sequence").iterator(chunk_size=2000):
        if reason := _fault(entry, expected_sequence=checked + 1, previous=previous):
            return Verification(checked, previous, broken_at=min(entry.sequence, checked + 1), reason=reason)
        checked, previous = checked + 1, entry.hash
        found_expected = found_expected or previous == expected_head
        progress(1)
    if not found_expected:
        return Verification(checked, previous, broken_at=checked + 1, reason="the exported head is not in the chain")
    return Verification(checked, previous)


def _fault(entry: LedgerEntry, *, expected_sequence: int, previous: str) -> str:
    if entry.sequence != expected_sequence:
        return f"entry {expected_sequence} is missing"
    if entry.previous_hash != previous:
        return "does not follow the entry before it"
    if entry.hash != entry_hash(entry):
        return "its content was changed after it was written"
    return ""
