"""Ports and protocols: one canonical list of ranges, read from and written as text."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering
from typing import Literal, cast, get_args

from policy.addresses import Span, merge_spans
from policy.errors import InvalidPorts

Protocol = Literal["TCP", "UDP", "SCTP", "ICMP", "ANY"]
MAX_PORT = 65_535
MAX_TEXT = 2_048
PORT_PROTOCOLS: tuple[Protocol, ...] = ("SCTP", "TCP", "UDP")


@total_ordering
@dataclass(frozen=True, slots=True)
class PortRange:
    """An inclusive range of ports of one protocol; without numbers it means every port of it."""

    protocol: Protocol
    first: int | None = None
    last: int | None = None

    @property
    def is_every_port(self) -> bool:
        return self.first is None

    @property
    def span(self) -> Span:
        """The numbers meant, the whole range where none are given."""
        return (self.first or 1, self.last or MAX_PORT)

    @property
    def count(self) -> int:
        first, last = self.span
        return last - first + 1

    def contains(self, *, protocol: str, port: int | None) -> bool:
        """Whether a packet of this protocol to this port is meant; ICMP has no port."""
        if self.protocol == "ANY":
            return True
        if self.protocol != protocol:
            return False
        return self.is_every_port or (port is not None and self.span[0] <= port <= self.span[1])

    def __lt__(self, other: "PortRange") -> bool:
        return (self.protocol, self.first or 0, self.last or 0) < (other.protocol, other.first or 0, other.last or 0)

    def __str__(self) -> str:
        if self.first is None:
            return self.protocol.lower()
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{numbers}/{self.protocol.lower()}"


EVERYTHING = PortRange("ANY")


def parse_ports(text: str) -> tuple[PortRange, ...]:
    """Read ``443/tcp, 8000-9000/udp, icmp, any``; a number alone is TCP. The answer is sorted, merged and canonical."""
    if len(text) > MAX_TEXT:
        raise InvalidPorts(f"Ports have at most {MAX_TEXT} characters")
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise InvalidPorts("Name at least one port, and nothing between two commas")
    return canonical_ports(_parse_one(part) for part in parts)


def format_ports(ports: Iterable[PortRange]) -> str:
    """The text of which ``parse_ports`` makes the same canonical ports."""
    return ", ".join(str(port) for port in canonical_ports(ports))


def canonical_ports(ports: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Sorted, with overlapping and touching ranges merged and everything merged into ``any`` where it is there."""
    given = tuple(ports)
    if any(port.protocol == "ANY" for port in given):
        return (EVERYTHING,)
    found: list[PortRange] = []
    for protocol in sorted({port.protocol for port in given}):
        found.extend(_merged(protocol, [port for port in given if port.protocol == protocol]))
    return tuple(found)


def _merged(protocol: Protocol, ports: list[PortRange]) -> list[PortRange]:
    if protocol == "ICMP" or any(port.is_every_port for port in ports):
        return [PortRange(protocol)]
    spans = merge_spans(port.span for port in ports)
    if spans == ((1, MAX_PORT),):
        return [PortRange(protocol)]
    return [PortRange(protocol, first, last) for first, last in spans]


def ports_cover(ports: Iterable[PortRange], others: Iterable[PortRange]) -> bool:
    """Whether every packet meant by ``others`` is meant by ``ports``."""
    wide = canonical_ports(ports)
    return all(any(_covers(port, other) for port in wide) for other in canonical_ports(others))


def ports_overlap(ports: Iterable[PortRange], others: Iterable[PortRange]) -> bool:
    """Whether any packet is meant by both."""
    others = tuple(others)
    return any(_overlaps(port, other) for port in ports for other in others)


def _covers(port: PortRange, other: PortRange) -> bool:
    if port.protocol == "ANY":
        return True
    if port.protocol != other.protocol:
        return False
    return port.span[0] <= other.span[0] and other.span[1] <= port.span[1]


def _overlaps(port: PortRange, other: PortRange) -> bool:
    if "ANY" in (port.protocol, other.protocol):
        return True
    if port.protocol != other.protocol:
        return False
    return port.span[0] <= other.span[1] and other.span[0] <= port.span[1]


def _parse_one(part: str) -> PortRange:
    numbers, slash, word = part.partition("/")
    if not slash:
        numbers, word = (part, "tcp") if part[0].isdigit() else ("", part)
    protocol = _protocol(word.strip())
    if not numbers.strip():
        if slash:
            raise InvalidPorts(f"{part!r} has no port before the slash")
        return PortRange(protocol)
    if protocol in ("ICMP", "ANY"):
        raise InvalidPorts(f"{part!r}: {word} takes no port; name the protocols one by one")
    return _range(part, numbers.strip(), protocol)


def _protocol(word: str) -> Protocol:
    upper = word.upper()
    if not word.isascii() or upper not in get_args(Protocol):
        raise InvalidPorts(f"{word!r} is no protocol; write tcp, udp, sctp, icmp or any")
    return cast(Protocol, upper)


def _range(part: str, numbers: str, protocol: Protocol) -> PortRange:
    first_text, dash, last_text = numbers.partition("-")
    first = _number(part, first_text)
    last = _number(part, last_text) if dash else first
    if last < first:
        raise InvalidPorts(f"{part!r} ends before it begins")
    return PortRange(protocol, first, last)


def _number(part: str, text: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 5 or digits[0] == "0":
        raise InvalidPorts(f"{part!r} is no port between 1 and {MAX_PORT}")
    number = int(digits)
    if number > MAX_PORT:
        raise InvalidPorts(f"{part!r} is no port between 1 and {MAX_PORT}")
    return number
