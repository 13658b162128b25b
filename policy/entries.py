"""An entry of an allowlist as compilers and simulators see it, and the passport that every log line joins back to."""

from dataclasses import dataclass, field
from datetime import datetime

from policy.destinations import Destination
from policy.errors import InvalidEntry
from policy.ports import PortRange, canonical_ports
from policy.selectors import EVERY_POD, LabelSelector

PASSPORT_PREFIX = "SP-"
PASSPORT_LENGTH = 5
# Crockford's base 32: no I, L, O or U, so that nobody misreads one over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """What may leave, from which workload, until when; ``accepted_widening`` names dialects approved to be wider."""

    passport: str
    destination: Destination
    ports: tuple[PortRange, ...]
    workload: LabelSelector = EVERY_POD
    expires_at: datetime | None = None
    accepted_widening: frozenset[str] = frozenset()
    # Entries are keys wherever work is shared between clusters, so their hash is worked out once.
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        if not is_passport(self.passport):
            raise InvalidEntry(f"{self.passport!r} is no passport")
        if not self.ports:
            raise InvalidEntry(f"{self.passport} names no ports")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise InvalidEntry(f"{self.passport} ends at a time without a zone")
        object.__setattr__(self, "ports", canonical_ports(self.ports))
        facts = (self.passport, self.destination, self.ports, self.workload, self.expires_at, self.accepted_widening)
        object.__setattr__(self, "_hash", hash(facts))

    def __hash__(self) -> int:
        return self._hash

    def is_in_force(self, at: datetime) -> bool:
        """Whether the entry has not ended; at its very end it no longer is."""
        return self.expires_at is None or at < self.expires_at


def new_passport(random_bytes: bytes) -> str:
    """A passport from at least four random bytes; uniqueness is for the caller to hold."""
    if len(random_bytes) < 4:
        raise InvalidEntry("A passport needs four random bytes")
    number = int.from_bytes(random_bytes[:4], "big")
    letters = [_ALPHABET[(number >> shift) & 31] for shift in range(0, 5 * PASSPORT_LENGTH, 5)]
    return PASSPORT_PREFIX + "".join(letters)


def is_passport(text: str) -> bool:
    """Whether the text has the form of a passport, such as ``SP-7K3QF``."""
    letters = text.removeprefix(PASSPORT_PREFIX)
    return (
        len(text) == len(PASSPORT_PREFIX) + PASSPORT_LENGTH and letters != text and all(c in _ALPHABET for c in letters)
    )
