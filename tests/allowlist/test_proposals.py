"""Reading what people typed."""

from datetime import UTC, datetime, timedelta

import pytest

from allowlist.errors import InvalidProposal
from allowlist.proposals import parse_proposal
from clusters.models import Tier
from tests.allowlist.factories import environment

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def typed(**changes):
    return {
        "destination": "api.example.com",
        "ports": "443",
        "namespaces": "payments, billing",
        "environments": [],
        "cluster_labels": "region=eu",
        "workload": "app=web",
        "justification": "The payment provider's API.",
        "ticket": "https://tickets.example.com/T-1",
        "data_class": "internal",
        "expires_at": "2027-05-30",
        "accepted_widening": [],
        **changes,
    }


def refused(**changes) -> InvalidProposal:
    with pytest.raises(InvalidProposal) as caught:
        parse_proposal(typed(**changes), at=NOW)
    return caught.value


def test_text_becomes_a_canonical_proposal():
    read = parse_proposal(typed(), at=NOW)

    assert read.columns() == {
        "destination": "api.example.com",
        "ports": "443/tcp",
        "environments": [],
        "cluster_labels": {"region": "eu"},
        "namespaces": ["billing", "payments"],
        "workload": {"app": "web"},
        "accepted_widening": [],
        "justification": "The payment provider's API.",
        "ticket": "https://tickets.example.com/T-1",
        "data_class": "internal",
        "expires_at": datetime(2027, 5, 31, tzinfo=UTC),
    }


def test_structured_values_of_the_api_read_the_same():
    structured = typed(
        namespaces=["payments", "billing"],
        cluster_labels={"region": "eu"},
        workload={"app": "web"},
        expires_at="2027-05-31T00:00:00+00:00",
    )

    assert parse_proposal(structured, at=NOW) == parse_proposal(typed(), at=NOW)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("API.Example.com", "api.example.com"), ("api.example.com.", "api.example.com"), ("10.1.2.3/8", "10.0.0.0/8")],
)
def test_a_destination_that_is_not_canonical_is_refused_with_the_right_form(text, canonical):
    error = refused(destination=text)

    assert error.canonical == {"destination": canonical}
    assert set(error.fields) == {"destination"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("destination", ""),
        ("destination", "https://api.example.com/"),
        ("destination", "x" * 1001),
        ("destination", "api.example.com\x00"),
        ("destination", 7),
        ("ports", ""),
        ("ports", "70000"),
        ("ports", "443/http"),
        ("namespaces", ""),
        ("namespaces", "Payments"),
        ("namespaces", "-x"),
        ("namespaces", ",".join(f"n{number}" for number in range(51))),
        ("environments", ["nowhere"]),
        ("cluster_labels", "region"),
        ("cluster_labels", {"a b": "c"}),
        ("cluster_labels", {"a": 1}),
        ("workload", "a=b,a=c"),
        ("justification", "short"),
        ("justification", "x" * 2001),
        ("justification", "it reads \u202ebackwards, does it not"),
        ("ticket", "javascript:alert(1)"),
        ("ticket", "ftp://tickets.example.com/1"),
        ("ticket", "https://"),
        ("ticket", "https://[::1"),
        ("data_class", "secret"),
        ("expires_at", ""),
        ("expires_at", "tomorrow"),
        ("expires_at", "2027-02-28"),
        ("expires_at", "2028-03-01"),
        ("expires_at", "9999-12-31"),
        ("expires_at", "2027-13-01"),
        ("accepted_widening", ["pigeon"]),
    ],
)
def test_each_fault_is_told_beside_its_field(field, value):
    assert set(refused(**{field: value}).fields) == {field}


def test_all_faults_are_told_at_once():
    assert set(refused(destination="", ports="", ticket="x").fields) == {"destination", "ports", "ticket"}


def test_a_date_means_the_whole_day_up_to_a_year_ahead():
    assert parse_proposal(typed(expires_at="2028-02-29"), at=NOW).expires_at == datetime(2028, 3, 1, tzinfo=UTC)
    assert parse_proposal(typed(expires_at=str(NOW.date())), at=NOW).expires_at == datetime(2027, 3, 2, tzinfo=UTC)


def test_an_instant_without_a_zone_is_utc():
    end = parse_proposal(typed(expires_at="2027-05-31T00:00:00"), at=NOW).expires_at

    assert end == datetime(2027, 5, 31, tzinfo=UTC)
    assert end - NOW < timedelta(days=365)


def test_known_environments_are_taken():
    environment("staging", tier=Tier.NON_PRODUCTION)

    assert parse_proposal(typed(environments=["staging"]), at=NOW).environments == ("staging",)
