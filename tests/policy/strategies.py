"""Small universes in which every name and address can be tried."""

from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network

from hypothesis import strategies as st

from policy.destinations import Destination, cidr
from policy.entries import PolicyEntry
from policy.ports import PortRange, canonical_ports
from policy.selectors import EVERY_POD, LabelSelector

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NAMES = (
    "ex.test",
    "a.ex.test",
    "b.ex.test",
    "a.a.ex.test",
    "a.b.ex.test",
    "b.b.ex.test",
    "a.b.a.ex.test",
    "b.b.b.ex.test",
)
# Eight addresses of each family, so that brute force over them is exact.
V4_BLOCK = IPv4Network("192.0.2.0/29")
V6_BLOCK = IPv6Network("2001:db8::/125")
ADDRESSES = (*V4_BLOCK, *V6_BLOCK)
PROTOCOLS = ("TCP", "UDP", "SCTP")
PORTS = range(1, 9)


def names() -> st.SearchStrategy[Destination]:
    base = st.sampled_from(NAMES)
    hosts = st.builds(lambda name: Destination("host", name), base)
    wild = st.builds(
        lambda kind, name, apex: Destination(kind, name, include_apex=apex),
        st.sampled_from(("one-level", "any-depth")),
        base,
        st.booleans(),
    )
    return st.one_of(hosts, wild)


@st.composite
def cidrs(draw: st.DrawFn) -> Destination:
    block = draw(st.sampled_from((V4_BLOCK, V6_BLOCK)))
    whole = draw(st.sampled_from([net for length in range(4) for net in block.subnets(length)]))
    lengths = range(1, whole.max_prefixlen - whole.prefixlen + 1)
    inside = [net for length in lengths for net in whole.subnets(length)]
    holes = draw(st.lists(st.sampled_from(inside), max_size=2, unique=True)) if inside else []
    found = cidr(whole, excepts=holes)
    return found if found.addresses else cidr(whole)


def destinations() -> st.SearchStrategy[Destination]:
    return st.one_of(names(), cidrs())


@st.composite
def port_ranges(draw: st.DrawFn) -> PortRange:
    protocol = draw(st.sampled_from((*PROTOCOLS, "ICMP", "ANY")))
    if protocol in ("ICMP", "ANY") or draw(st.integers(0, 5)) == 0:
        return PortRange(protocol)
    first = draw(st.integers(1, 8))
    return PortRange(protocol, first, draw(st.integers(first, 8)))


def ports() -> st.SearchStrategy[tuple[PortRange, ...]]:
    return st.lists(port_ranges(), min_size=1, max_size=4).map(canonical_ports)


def workloads() -> st.SearchStrategy[LabelSelector]:
    return st.sampled_from(
        (EVERY_POD, LabelSelector((("app", "web"),)), LabelSelector((("app", "web"), ("tier", "db"))))
    )


@st.composite
def entries(draw: st.DrawFn, *, accepted: frozenset[str] = frozenset()) -> list[PolicyEntry]:
    count = draw(st.integers(0, 6))
    return [
        PolicyEntry(
            passport=f"SP-{number:05d}",
            destination=draw(destinations()),
            ports=draw(ports()),
            workload=draw(workloads()),
            expires_at=draw(st.sampled_from((None, AT, AT.replace(year=2025), AT.replace(year=2027)))),
            accepted_widening=draw(st.sampled_from((frozenset(), accepted))),
        )
        for number in range(count)
    ]
