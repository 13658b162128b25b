"""Reading a destination: strictly, with the canonical form offered for whatever is written otherwise."""

from policy.addresses import AddressSet, Network, parse_network, span_of
from policy.destinations.model import APEX_MARK, Destination, any_depth, cidr, host, one_level
from policy.errors import InvalidDestination, InvalidName
from policy.names import MAX_NAME, canonical_name

MAX_TEXT = 4_096
MAX_EXCEPTS = 64
# A label and its dot must still fit before the base of a wildcard.
MAX_WILDCARD_BASE = MAX_NAME - 2


def parse_destination(text: str) -> Destination:
    """Read canonical text; else raise ``InvalidDestination``, with the right form in its ``details["canonical"]``."""
    if len(text) > MAX_TEXT:
        raise InvalidDestination(f"A destination has at most {MAX_TEXT} characters")
    destination = _read(text)
    canonical = destination.canonical
    if canonical != text:
        raise InvalidDestination(f"{text!r} is not canonical, write {canonical!r}", details={"canonical": canonical})
    return destination


def _read(text: str) -> Destination:
    stripped = text.strip()
    if not stripped:
        raise InvalidDestination("The destination is empty")
    if _looks_like_address(stripped):
        return _read_cidr(stripped)
    return _read_name(stripped)


def _looks_like_address(text: str) -> bool:
    head = text.split(" ", 1)[0]
    if "/" in head or ":" in head:
        return "//" not in head
    last = head.rsplit(".", 1)[-1]
    return "." in head and last.isascii() and last.isdigit()


def _read_cidr(text: str) -> Destination:
    head, _, tail = text.partition(" except ")
    network = _network(head.strip())
    if not tail.strip():
        return cidr(network)
    holes = [_network(part.strip()) for part in tail.split(",")]
    if len(holes) > MAX_EXCEPTS:
        raise InvalidDestination(f"A destination has at most {MAX_EXCEPTS} exceptions")
    for hole in holes:
        _check_inside(hole, network)
    if not AddressSet.of([network], excepts=holes):
        raise InvalidDestination("The exceptions leave nothing of the network")
    return cidr(network, excepts=holes)


def _network(text: str) -> Network:
    try:
        return parse_network(text)
    except InvalidDestination as error:
        offered = error.details.get("canonical")
        if not isinstance(offered, str):
            raise
        return parse_network(offered)


def _check_inside(hole: Network, network: Network) -> None:
    if hole.version != network.version:
        raise InvalidDestination(f"The exception {hole} is of another family than {network}")
    first, last = span_of(network)
    hole_first, hole_last = span_of(hole)
    if hole == network or hole_first < first or hole_last > last:
        raise InvalidDestination(f"The exception {hole} must lie strictly inside {network}")


def _read_name(text: str) -> Destination:
    body = text.removesuffix(APEX_MARK)
    include_apex = body != text
    for prefix, build in (("**.", any_depth), ("*.", one_level)):
        if body.startswith(prefix):
            base = _base(body.removeprefix(prefix))
            if len(base) > MAX_WILDCARD_BASE:
                raise InvalidDestination("The name is so long that nothing fits below it")
            return build(base, include_apex=include_apex)
    if include_apex:
        raise InvalidDestination("Only a wildcard can take the apex as well")
    name = _base(body)
    if "." not in name:
        raise InvalidDestination(f"{name!r} is not a full name: resolvers would complete it")
    return host(name)


def _base(text: str) -> str:
    if "*" in text:
        raise InvalidDestination("A wildcard is the whole first label, '*.' for one label or '**.' for any depth")
    if "://" in text or "/" in text or "@" in text:
        raise InvalidDestination("Write the name alone, without scheme, path or account")
    try:
        return canonical_name(text).ascii
    except InvalidName as error:
        raise InvalidDestination(error.message, details={"name_code": error.code}) from error
