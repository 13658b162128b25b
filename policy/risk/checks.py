"""The checks behind the rules: each returns its reason where it applies, and None where it does not."""

from collections.abc import Callable
from functools import lru_cache

from policy.addresses import AddressSet, SpecialBlock, special_blocks
from policy.confusables import look_alikes
from policy.errors import InvalidName
from policy.names import CanonicalName, canonical_name, is_below
from policy.ports import PortRange, ports_overlap
from policy.risk.model import Subject
from policy.suffixes import judge_wildcard, registrable_domain

Check = Callable[[Subject], str | None]

# The part of a family that counts as "the Internet": a quarter of IPv4; of IPv6 only an eighth is in use at all.
WHOLE_INTERNET = {4: 0.25, 6: 0.125}
WIDE_RANGE = 1_000
# Providers that serve many customers from one address: whoever can reach one of them reaches the others.
SHARED_FRONTS = frozenset(
    {
        "akamai.net",
        "akamaiedge.net",
        "akamaihd.net",
        "azureedge.net",
        "azurefd.net",
        "b-cdn.net",
        "cdn77.org",
        "cloudflare.net",
        "cloudfront.net",
        "edgekey.net",
        "edgesuite.net",
        "fastly.net",
        "fastlylb.net",
        "herokuapp.com",
        "netlify.app",
        "pages.dev",
        "trafficmanager.net",
        "vercel.app",
        "workers.dev",
    }
)
_PLAINTEXT = (21, 23, 25, 80, 110, 143, 389, 1883, 6379, 9200, 11211)
_REMOTE_CONTROL = (22, 23, 135, 139, 445, 3389, 5900, 5985, 5986)
_RESOLVERS = (53, 853)


def special(*categories: str) -> Check:
    """A check for addresses of the given categories, under every spelling."""

    def check(subject: Subject) -> str | None:
        touched = _touched(subject.addresses)
        found = next((block for block in touched if block.category in categories), None)
        return None if found is None else f"It reaches {found.network}: {found.reason}"

    return check


@lru_cache(maxsize=4_096)
def _touched(addresses: AddressSet) -> tuple[SpecialBlock, ...]:
    found = {block for network in addresses.networks() for block in special_blocks(network)}
    return tuple(sorted(found, key=lambda block: (-block.network.prefixlen, block.network.compressed)))


def whole_internet(subject: Subject) -> str | None:
    for version, limit in WHOLE_INTERNET.items():
        share = subject.addresses.share_of(version)
        if share >= limit:
            return f"Together this is {share:.0%} of all IPv{version} addresses"
    return None


def broader_than(*, v4_bits: int, v6_bits: int) -> Check:
    """A check for sets of at least so many addresses, given as powers of two."""

    def check(subject: Subject) -> str | None:
        for version, bits in ((4, v4_bits), (6, v6_bits)):
            spans = subject.addresses.v4 if version == 4 else subject.addresses.v6
            count = sum(last - first + 1 for first, last in spans)
            if count >= 2**bits:
                return f"It opens {count:,} IPv{version} addresses"
        return None

    return check


def own_network(subject: Subject) -> str | None:
    for network in subject.own_networks:
        if subject.addresses.overlaps(AddressSet.of([network])):
            return f"It reaches {network}, which is a network of the clusters themselves"
    return None


def wildcard(result: str) -> Check:
    """A check for wildcards that the public suffix list refuses or flags."""

    def check(subject: Subject) -> str | None:
        if not subject.destination.is_wildcard:
            return None
        judged = judge_wildcard(f"*.{subject.destination.base}", internal_zones=subject.internal_zones)
        return "; ".join(judged.reasons) if judged.result == result else None

    return check


def wildcard_kind(kind: str) -> Check:
    def check(subject: Subject) -> str | None:
        if subject.destination.kind != kind:
            return None
        return f"{subject.destination.canonical} takes names that nobody has listed"

    return check


def shared_front(subject: Subject) -> str | None:
    if not subject.destination.is_name:
        return None
    base = subject.destination.base
    front = next((name for name in sorted(SHARED_FRONTS) if base == name or is_below(base, name)), None)
    return None if front is None else f"{base} is served by {front}: its addresses carry other customers as well"


def name_warning(*kinds: str) -> Check:
    """A check for warnings that the name itself gives."""

    def check(subject: Subject) -> str | None:
        name = _canonical(subject)
        warnings = [] if name is None else [one.message for one in name.warnings if one.kind in kinds]
        return "; ".join(warnings) or None

    return check


def looks_like_known(subject: Subject) -> str | None:
    name = _canonical(subject)
    if name is None:
        return None
    known = {_unicode(other): other for other in subject.known_names}
    found = look_alikes(name.unicode, known=known)
    return f"{name.ascii} can be mistaken for {known[found[0]]}, which is in use" if found else None


def international(subject: Subject) -> str | None:
    name = _canonical(subject)
    if name is None or name.ascii == name.unicode:
        return None
    return f"{name.ascii} is shown to people as {name.unicode}"


def first_use(subject: Subject) -> str | None:
    """Applies only where the caller knows names at all."""
    if not subject.destination.is_name or not subject.known_names:
        return None
    vendor = registrable_domain(subject.destination.base) or subject.destination.base
    if any(registrable_domain(name) == vendor or name == vendor for name in subject.known_names):
        return None
    return f"Nothing of {vendor} has been allowed before"


def every_protocol(subject: Subject) -> str | None:
    return "Every protocol and port is opened" if any(port.protocol == "ANY" for port in subject.ports) else None


def every_port(subject: Subject) -> str | None:
    found = next(
        (port for port in subject.ports if port.is_every_port and port.protocol in ("TCP", "UDP", "SCTP")), None
    )
    return None if found is None else f"Every port of {found.protocol} is opened"


def wide_range(subject: Subject) -> str | None:
    found = next((port for port in subject.ports if not port.is_every_port and port.count > WIDE_RANGE), None)
    return None if found is None else f"{found} opens {found.count:,} ports"


def icmp(subject: Subject) -> str | None:
    found = any(port.protocol == "ICMP" for port in subject.ports)
    return "ICMP can carry data out as well as answers to ping" if found else None


def one_of_ports(numbers: tuple[int, ...], *, what: str) -> Check:
    """A check for single ports of TCP or UDP; wide ranges are judged by rules of their own."""
    wanted = [PortRange(protocol, number, number) for number in numbers for protocol in ("TCP", "UDP")]

    def check(subject: Subject) -> str | None:
        narrow = [port for port in subject.ports if not port.is_every_port and port.count <= WIDE_RANGE]
        found = next((port for port in wanted if ports_overlap(narrow, [port])), None)
        return None if found is None else f"Port {found.first} is {what}"

    return check


plaintext_port = one_of_ports(_PLAINTEXT, what="commonly used without encryption")
remote_control_port = one_of_ports(_REMOTE_CONTROL, what="a way to control or copy whole machines")
resolver_port = one_of_ports(_RESOLVERS, what="DNS: names and data can leave past the cluster's own resolver")


def data_class(*classes: str) -> Check:
    def check(subject: Subject) -> str | None:
        found = (subject.data_class or "").strip().lower()
        return f"Data of the class {found!r} leaves" if found in classes else None

    return check


def production(subject: Subject) -> str | None:
    return "It reaches out of production" if subject.reaches_production else None


def _canonical(subject: Subject) -> CanonicalName | None:
    if not subject.destination.is_name:
        return None
    try:
        return canonical_name(subject.destination.base)
    except InvalidName:
        return None


@lru_cache(maxsize=65_536)
def _unicode(name: str) -> str:
    try:
        return canonical_name(name).unicode
    except InvalidName:
        return name
