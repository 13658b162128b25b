"""Where traffic may go: one canonical model, its text, and the algebra of sets of destinations."""

from policy.destinations.examples import MatchExample
from policy.destinations.model import Destination, any_depth, cidr, host, one_level
from policy.destinations.parsing import parse_destination
from policy.destinations.sets import covered_by, effective_addresses, minimal_destinations

__all__ = [
    "Destination",
    "MatchExample",
    "any_depth",
    "cidr",
    "covered_by",
    "effective_addresses",
    "host",
    "minimal_destinations",
    "one_level",
    "parse_destination",
]
