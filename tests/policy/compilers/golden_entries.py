"""The entries behind the golden files: one of each kind that people ask for, and some that targets differ about."""

from collections.abc import Iterable
from datetime import UTC, datetime

from policy.destinations import parse_destination
from policy.entries import PolicyEntry
from policy.ports import parse_ports
from policy.selectors import parse_selector

AT = datetime(2026, 11, 1, tzinfo=UTC)
# passport, destination, ports, workload, is wider form accepted
_TABLE = (
    ("SP-0HST1", "api.example.com", "443", "", False),
    ("SP-1WDTH", "*.example.com", "443", "", False),
    ("SP-2WDAC", "*.example.com +apex", "443", "app=web", True),
    ("SP-3DEEP", "**.example.org", "443", "", True),
    ("SP-4DPAX", "**.example.net +apex", "443, 8000-8003", "", True),
    ("SP-5PRTS", "mq.example.com", "5671-5672, 15671/tcp, 123/udp, 36412/sctp", "", False),
    ("SP-6ANYP", "build.example.com", "any", "", True),
    ("SP-7NET4", "198.51.100.0/24 except 198.51.100.0/28, 198.51.100.128/25", "443", "", True),
    ("SP-8NET6", "2001:db8:10::/48", "443, icmp", "app=web", True),
    ("SP-9NTCP", "203.0.113.7/32", "tcp, 53/udp", "", True),
    ("SP-AEVRY", "192.0.2.0/28", "any", "app=web,tier=db", True),
    ("SP-BPNGX", "192.0.2.200/32", "icmp", "", False),
    ("SP-CXN00", "xn--bcher-kva.example", "443", "", False),
    ("SP-DXSRV", "_sip._tcp.example.com", "5061", "", False),
)
_ENDED = PolicyEntry(
    "SP-ZZZZZ",
    parse_destination("ended.example.com"),
    parse_ports("443"),
    expires_at=datetime(2026, 10, 31, tzinfo=UTC),
)


def golden_entries(dialect: str) -> Iterable[PolicyEntry]:
    for passport, destination, ports, workload, is_accepted in _TABLE:
        yield PolicyEntry(
            passport=passport,
            destination=parse_destination(destination),
            ports=parse_ports(ports),
            workload=parse_selector(workload),
            accepted_widening=frozenset({dialect}) if is_accepted else frozenset(),
        )
    yield _ENDED
