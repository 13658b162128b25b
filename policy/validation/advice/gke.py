"""Warnings about GKE's FQDNNetworkPolicy."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.validation.advice.model import Advice, Adviser, about_name, members
from policy.validation.kinds import Key


def advise(manifest: Mapping[str, Any]) -> Iterator[Advice]:
    """What people overlook in an FQDNNetworkPolicy."""
    for rule, path in members(manifest["spec"], "egress", "spec"):
        for match, here in members(rule, "matches", path):
            yield from _about_match(match, here)


def _about_match(match: Mapping[str, Any], path: str) -> Iterator[Advice]:
    if match.get("name") is not None:
        if not match["name"]:
            yield Advice("matches-nothing", f"{path}.name", "an empty name is accepted and names nothing")
        yield from about_name(match["name"], f"{path}.name")
        return
    pattern, here = match["pattern"], f"{path}.pattern"
    if not pattern:
        yield Advice("matches-nothing", here, "an empty pattern is accepted and names nothing")
    elif not pattern.strip("*."):
        yield Advice("every-name", here, "takes every name that anybody can register")
    elif pattern.startswith("**"):
        yield Advice("one-label-only", here, "two stars are one star here: exactly one label, not any depth")


ADVISERS: Mapping[Key, Adviser] = {("networking.gke.io/v1alpha1", "FQDNNetworkPolicy"): advise}
