from __future__ import annotations

import pytest

from practice import ControlPlane
from tests.rollouts.fleet import Fleet, make_fleet, unique


@pytest.fixture
def fleet(control_plane: ControlPlane, db) -> Fleet:
    """One non-production Cilium cluster."""
    made = make_fleet()
    made.add_site(control_plane, stage="staging", namespace=unique("shop"))
    return made


@pytest.fixture
def plain_fleet(plain_control_plane: ControlPlane, db) -> Fleet:
    """One non-production cluster that knows plain NetworkPolicy only."""
    made = make_fleet()
    made.add_site(plain_control_plane, stage="staging", namespace=unique("shop"))
    return made


@pytest.fixture
def two_tiers(control_plane: ControlPlane, plain_control_plane: ControlPlane, db) -> Fleet:
    """A Cilium cluster before production, and a plain one in production, with a namespace of the same name."""
    made = make_fleet()
    name = unique("shop")
    made.add_site(control_plane, stage="staging", namespace=name)
    made.add_site(plain_control_plane, stage="production", namespace=name)
    return made
