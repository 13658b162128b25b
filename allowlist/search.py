"""Finding entries by what a person has at hand: a passport, a name, an address, a network."""

from __future__ import annotations

import ipaddress
from uuid import UUID

from django.db.models import Q

from allowlist.models import Entry
from allowlist.querysets import EntryQuerySet
from policy.addresses import AddressSet, Network
from policy.destinations import Destination, parse_destination
from policy.errors import DomainError, InvalidName
from policy.names import canonical_name, labels_of


def reaching(entries: EntryQuerySet, text: str) -> EntryQuerySet:
    """The entries that the text means, among those given.

    A passport or words of a destination find themselves; a name also finds the wildcards that take it, an address or
    a network every network that overlaps it.
    """
    wanted = Q(passport__iexact=text) | Q(in_non_production__destination__icontains=text)
    if network := _network(text):
        wanted |= Q(pk__in=_overlapping(entries, network))
    elif wildcards := _wildcards_taking(text):
        wanted |= Q(in_non_production__destination__in=wildcards)
    return entries.filter(wanted)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _overlapping(entries: EntryQuerySet, network: Network) -> list[UUID]:
    """Networks are compared here and not in SQL: a destination may have exceptions, and there are few of them."""
    wanted = AddressSet.of([network])
    rows = Entry.objects.filter(pk__in=entries.values("pk"), in_non_production__destination__contains="/")
    return [
        pk
        for pk, text in rows.values_list("pk", "in_non_production__destination")
        if parse_destination(text).addresses.overlaps(wanted)
    ]


def _wildcards_taking(text: str) -> list[str]:
    """Every wildcard that takes the name, in each of its spellings."""
    try:
        name = canonical_name(text).ascii
    except InvalidName:
        return []
    labels = labels_of(name)
    bases = [".".join(labels[start:]) for start in range(len(labels))]
    candidates = [f"{prefix}{base}{apex}" for base in bases for prefix in ("*.", "**.") for apex in ("", " +apex")]
    return [one for one in candidates if (read := _read(one)) is not None and read.matches_name(name)]


def _read(text: str) -> Destination | None:
    try:
        return parse_destination(text)
    except DomainError:
        return None
