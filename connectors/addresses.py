"""Where we may connect at all.

A host that somebody typed is resolved once, every answer is judged by our own table, and the caller connects to a
judged address, so a name that answers differently the second time gains nothing. Private addresses are allowed: the
API servers of clusters live there. What is never allowed is what lives beside us or answers to anybody: loopback,
link-local, cloud metadata, multicast and the unspecified address, in whichever form they are spelled.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.errors import RefusedAddress, TimedOut, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def _table(rows: Iterable[tuple[str, str]]) -> tuple[tuple[Network, str], ...]:
    return tuple((ipaddress.ip_network(network), reason) for network, reason in rows)


#: First match gives the reason, so single metadata addresses stand before the ranges that hold them.
ALWAYS_REFUSED = _table(
    (
        ("169.254.169.254/32", "the cloud metadata service"),
        ("169.254.170.0/24", "a container credential service"),
        ("100.100.100.200/32", "a cloud metadata service"),
        ("168.63.129.16/32", "a cloud platform's host service"),
        ("192.0.0.192/32", "a cloud metadata service"),
        ("169.254.0.0/16", "link-local"),
        ("0.0.0.0/8", "the unspecified address"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        ("::/128", "the unspecified address"),
        ("fd00:ec2::/32", "a cloud metadata service"),
        ("fd20:ce::254/128", "a cloud metadata service"),
        ("fd00:42::42/128", "a cloud metadata service"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local, long withdrawn"),
        ("ff00::/8", "multicast"),
        ("100::/64", "discard-only"),
    )
)

#: Names that answer with credentials; refused before anything is asked of a resolver.
REFUSED_NAMES = frozenset(
    {"metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal", "localhost"}
)

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
#: IPv4 in the last 32 bits: translated (SIIT), compatible, and the well-known NAT64 prefix.
_LOW_EMBEDDED = tuple(ipaddress.IPv6Network(n) for n in ("::ffff:0:0:0/96", "::/96", "64:ff9b::/96"))
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})
_LOW_32 = 0xFFFFFFFF

#: getaddrinfo cannot be told to stop: each lookup gets a thread of its own, and this many may hang at once.
_LOOKUPS = threading.BoundedSemaphore(32)


def embedded_addresses(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Every IPv4 address that an IPv6 address carries for a translator or a tunnel to unwrap."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    bits = int(address)
    low = ipaddress.IPv4Address(bits & _LOW_32)
    if address in _MAPPED or any(address in prefix for prefix in _LOW_EMBEDDED):
        return (low,)
    if address in _SIX_TO_FOUR:
        return (ipaddress.IPv4Address((bits >> 80) & _LOW_32),)
    if address in _TEREDO:
        return (ipaddress.IPv4Address((bits >> 64) & _LOW_32), ipaddress.IPv4Address(~bits & _LOW_32))
    if (bits >> 32) & _LOW_32 in _ISATAP_MARKS:
        return (low,)
    return ()


def _unmapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address) and address in _MAPPED:
        return ipaddress.IPv4Address(int(address) & _LOW_32)
    return address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and port that passed the policy, with the addresses that were judged; connect to one of these only."""

    host: str
    port: int
    addresses: tuple[Address, ...]

    @property
    def address(self) -> Address:
        return self.addresses[0]


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be connected to.

    ``allow_loopback`` exists for tests and the practice fleet. ``allowed_networks``, when given, is the whole of what
    is allowed. ``refused_networks`` adds the portal's own services to the table that nothing overrides.
    """

    allow_loopback: bool = False
    allowed_networks: tuple[Network, ...] = ()
    refused_networks: tuple[Network, ...] = ()

    def check(self, *, host: str, port: int, timeout: float = 5.0) -> Endpoint:
        """Resolve ``host`` once and judge every answer; raises ``RefusedAddress`` if a single one is not allowed."""
        if not 1 <= port <= 65535:
            raise RefusedAddress("The port must be between 1 and 65535")
        literal = parse_literal(host)
        if literal is None:
            check_host_name(host)
            self._check_name(host)
        found = (literal,) if literal is not None else resolve(host=host, port=port, timeout=timeout)
        for address in found:
            self.check_address(address, host=host)
        return Endpoint(host=host, port=port, addresses=tuple(_unmapped(address) for address in found))

    def check_address(self, address: Address, *, host: str = "") -> None:
        """Raise ``RefusedAddress`` unless this address, and each one wrapped in it, may be connected to."""
        reason = self._objection(address)
        if reason is None:
            return
        subject = f"{host} resolves to {address}" if host and parse_literal(host) is None else str(address)
        raise RefusedAddress(f"{subject}, which is not allowed: {reason}", details={"reason": reason})

    def _check_name(self, host: str) -> None:
        is_local = host == "localhost" or host.endswith(".localhost")
        if is_local and self.allow_loopback:
            return
        if is_local or host in REFUSED_NAMES:
            raise RefusedAddress(f"{host} is not allowed as a target", details={"reason": "a reserved name"})

    def _objection(self, address: Address) -> str | None:
        if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
            return "an address with a zone"
        native = _unmapped(address)
        wrapped = embedded_addresses(native)
        is_loopback = any(native in network for network in LOOPBACK)
        if is_loopback:
            if not self.allow_loopback:
                return "loopback"
        elif reason := _refusal(native):
            return reason
        else:
            for inner in wrapped:
                if reason := _refusal(inner):
                    return f"{reason}, wrapped as {inner}"
        return self._network_objection(native, wrapped, is_loopback=is_loopback)

    def _network_objection(
        self, native: Address, wrapped: tuple[ipaddress.IPv4Address, ...], *, is_loopback: bool
    ) -> str | None:
        if any(one in network for one in (native, *wrapped) for network in self.refused_networks):
            return "it belongs to this installation"
        if not self.allowed_networks or is_loopback:
            return None
        if any(native in network for network in self.allowed_networks):
            return None
        return "outside the networks that are allowed"


def _refusal(address: Address) -> str | None:
    if any(address in network for network in LOOPBACK):
        return "loopback"
    if address in _LOCAL_NAT64:
        return "behind a translator of local use"
    return next((reason for network, reason in ALWAYS_REFUSED if address in network), None)


def parse_literal(host: str) -> Address | None:
    """The address that ``host`` spells plainly (IPv6 with or without brackets), or ``None`` where it is a name."""
    try:
        if host.startswith("[") and host.endswith("]"):
            return ipaddress.IPv6Address(host[1:-1])
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_LABEL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def check_host_name(host: str) -> None:
    """Raise ``RefusedAddress`` unless ``host`` is a plain lower-case DNS name.

    Whatever a C library might still read as an address (``2130706433``, ``0x7f.1``, ``127.1``) is refused as such:
    a last label that begins with a digit belongs to no public or cluster-internal name.
    """
    labels = host.split(".")
    is_plain = 1 <= len(host) <= 253 and all(
        1 <= len(label) <= 63 and set(label) <= _LABEL_CHARACTERS and label[0] != "-" and label[-1] != "-"
        for label in labels
    )
    if not is_plain:
        raise RefusedAddress("The host must be a lower-case DNS name or an IP address", details={"reason": "spelling"})
    if labels[-1][0].isdigit():
        raise RefusedAddress("The host looks like an address in an unusual spelling", details={"reason": "spelling"})


def resolve(*, host: str, port: int, timeout: float) -> tuple[Address, ...]:
    """Every address that the resolver gives for ``host``, in its order and without repeats."""
    if not _LOOKUPS.acquire(timeout=timeout):
        raise TimedOut(f"Too many name lookups are waiting; {host} was not asked for")
    lookup = _Lookup(host=host, port=port)
    threading.Thread(target=lookup.run, name="name-lookup", daemon=True).start()
    if not lookup.done.wait(timeout):
        raise TimedOut(f"The name {host} was not resolved in time")
    if lookup.failure is not None:
        raise Unreachable(f"The name {host} could not be resolved") from lookup.failure
    return lookup.addresses


class _Lookup:
    """One question to the resolver, asked on a thread that the asker may stop waiting for."""

    def __init__(self, *, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.done = threading.Event()
        self.addresses: tuple[Address, ...] = ()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            answers = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            unique = dict.fromkeys(str(answer[4][0]) for answer in answers)
            self.addresses = tuple(ipaddress.ip_address(text) for text in unique)
            if not self.addresses:
                self.failure = OSError("no address")
        except (OSError, ValueError) as failure:
            self.failure = failure
        finally:
            _LOOKUPS.release()
            self.done.set()
