"""Whether something asked for is allowed already."""

import pytest
from django.utils import timezone

from allowlist.coverage import covering_entry
from clusters.models import Tier
from tests.allowlist import factories as make
from tests.factories import team

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours():
    return team()


def is_covered(ours, **asked) -> bool:
    destination = asked.pop("destination", "api.example.com")
    return covering_entry(team=ours, proposal=make.proposal(destination, **asked), at=timezone.now()) is not None


@pytest.mark.parametrize(
    ("given", "asked", "covered"),
    [
        ({}, {"days": 30}, True),
        ({}, {"days": 90}, False),
        ({"destination": "**.example.com"}, {"days": 30}, True),
        ({"destination": "*.example.com"}, {"days": 30, "destination": "a.b.example.com"}, False),
        ({"destination": "10.0.0.0/8"}, {"days": 30, "destination": "10.1.0.0/16"}, True),
        ({"ports": "1-1000"}, {"days": 30, "ports": "80, 443"}, True),
        ({}, {"days": 30, "ports": "443, 8443"}, False),
        ({}, {"days": 30, "workload": "app=web"}, True),
        ({"workload": "app=web"}, {"days": 30}, False),
        ({"namespaces": ("billing", "payments")}, {"days": 30}, True),
        ({}, {"days": 30, "namespaces": ("billing", "payments")}, False),
        ({}, {"days": 30, "cluster_labels": "region=eu"}, True),
        ({"cluster_labels": "region=eu"}, {"days": 30}, False),
        ({}, {"days": 30, "environments": ("staging",)}, True),
        ({"environments": ("staging",)}, {"days": 30}, False),
        ({"environments": ("staging", "production")}, {"days": 30, "environments": ("staging",)}, True),
    ],
)
def test_everything_asked_for_must_be_allowed(ours, given, asked, covered):
    make.fleet(ours)
    destination = given.pop("destination", "api.example.com")
    make.entry_in_force(ours, make.proposal(destination, **given))

    assert is_covered(ours, **asked) is covered


def test_what_is_not_yet_in_production_does_not_cover_production(ours):
    make.fleet(ours)
    make.revision(ours)

    assert not is_covered(ours, days=30)
    assert is_covered(ours, days=30, environments=("staging",))


def test_another_teams_entry_covers_nothing(ours):
    make.fleet(ours)
    make.entry_in_force(ours)

    assert not is_covered(team(), days=30)


def test_without_any_environment_nothing_is_covered(ours):
    assert not is_covered(ours, days=1)
    make.environment("staging", tier=Tier.NON_PRODUCTION)
    assert not is_covered(ours, days=1)
