"""Which of several names a flow was meant for.

An address may have many names, and a log lists all of them in no order that means anything. What the same pod asked
for last before it connected is evidence; without it, every name stays possible: the flow is shown under the first
that an entry allows (else the first in the alphabet), the others are kept beside it, and each entry that allows any of
them counts as used. That errs towards "used", which breaks nobody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

from flows.records import DnsAnswer, ObservedFlow

#: How long an answer may have been remembered by the workload, and how much later its record may be written.
REMEMBERED = timedelta(hours=1)
GRACE = timedelta(seconds=5)

_Asker = tuple[str, str, str]


class NameMemory:
    """The DNS answers of one batch, by pod and address."""

    def __init__(self, answers: Iterable[DnsAnswer]) -> None:
        told: dict[_Asker, list[tuple[datetime, str]]] = {}
        for answer in answers:
            for address in answer.addresses:
                told.setdefault((answer.namespace, answer.pod, address), []).append((answer.at, answer.name))
        self._told = {asker: sorted(answers) for asker, answers in told.items()}

    def candidates(self, flow: ObservedFlow) -> tuple[str, ...]:
        """The one name that the pod asked for, where known; else every name that the log lists."""
        if flow.address is None or not flow.pod or not self._told:
            return flow.names
        asked = self._last_asked((flow.namespace, flow.pod, flow.address), flow.at)
        return (asked,) if asked and (not flow.names or asked in flow.names) else flow.names

    def _last_asked(self, asker: _Asker, at: datetime) -> str | None:
        told = self._told.get(asker)
        if not told:
            return None
        position = bisect_right(told, at + GRACE, key=lambda one: one[0])
        if position == 0:
            return None
        when, name = told[position - 1]
        return name if at - when <= REMEMBERED else None
