"""Sets of destinations: what they cover together, and the shortest list that means the same."""

from collections.abc import Iterable

from policy.addresses import AddressSet, Span
from policy.destinations.model import Destination, cidr
from policy.names import labels_of


def effective_addresses(destinations: Iterable[Destination]) -> AddressSet:
    """Every address that the CIDRs reach together, so that two halves of the Internet are seen as the whole."""
    v4: list[Span] = []
    v6: list[Span] = []
    for destination in destinations:
        addresses = destination.addresses
        v4.extend(addresses.v4)
        v6.extend(addresses.v6)
    return AddressSet(v4=v4, v6=v6)


def covered_by(destination: Destination, destinations: Iterable[Destination]) -> bool:
    """Whether the destinations together match everything that ``destination`` matches."""
    others = tuple(destinations)
    if not destination.is_name:
        return effective_addresses(others).covers(destination.addresses)
    return all(any(other.covers(part) for other in others) for part in _parts(destination))


def minimal_destinations(destinations: Iterable[Destination]) -> tuple[Destination, ...]:
    """The shortest canonical list with exactly the same meaning, in a fixed order."""
    given = tuple(destinations)
    names = _minimal_names([destination for destination in given if destination.is_name])
    networks = [cidr(network) for network in effective_addresses(given).networks()]
    return tuple(sorted([*names, *networks], key=lambda destination: destination.sort_key))


def _parts(destination: Destination) -> list[Destination]:
    """A wildcard with its apex is two sets; each must be covered, though not by the same destination."""
    if not destination.include_apex:
        return [destination]
    bare = Destination(kind=destination.kind, name=destination.name)
    return [bare, Destination(kind="host", name=destination.name)]


def _minimal_names(names: list[Destination]) -> list[Destination]:
    parts = {part for name in names for part in _parts(name)}
    hosts = {part.base for part in parts if part.kind == "host"}
    deep = {part.base for part in parts if part.kind == "any-depth"}
    level = {part.base for part in parts if part.kind == "one-level"}
    deep = {base for base in deep if not _has_parent_in(base, deep)}
    level = {base for base in level if base not in deep and not _has_parent_in(base, deep)}
    hosts = {name for name in hosts if not _has_parent_in(name, deep) and _parent(name) not in level}
    found = [Destination(kind="any-depth", name=base, include_apex=base in hosts) for base in deep]
    found += [Destination(kind="one-level", name=base, include_apex=base in hosts) for base in level]
    return found + [Destination(kind="host", name=name) for name in hosts - deep - level]


def _parent(name: str) -> str:
    return name.partition(".")[2]


def _has_parent_in(name: str, bases: set[str]) -> bool:
    labels = labels_of(name)
    return any(".".join(labels[start:]) in bases for start in range(1, len(labels)))
