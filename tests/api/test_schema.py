"""The API describes itself, and the description that is committed is the one that it gives."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from api.routes import APPLICATIONS, collect
from tests import factories

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"


@pytest.fixture(scope="module", name="described")
def _described() -> str:
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    return out.getvalue()


def test_the_committed_description_is_current(described: str) -> None:
    assert yaml.safe_load(COMMITTED.read_text()) == yaml.safe_load(described), (
        "run: manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn"
    )


def test_every_operation_states_its_refusals_its_scope_and_its_key(described: str) -> None:
    for path, operations in yaml.safe_load(described)["paths"].items():
        for method, operation in operations.items():
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            assert "default" in operation["responses"], (method, path)
            assert ("Idempotency-Key" in names) == (method != "get"), (method, path)


def test_operations_have_names_of_their_own(described: str) -> None:
    operations = [
        operation["operationId"] for path in yaml.safe_load(described)["paths"].values() for operation in path.values()
    ]

    assert len(operations) == len(set(operations))


def test_every_application_with_an_api_is_collected() -> None:
    folders = {path.parent.name for path in COMMITTED.parents[1].glob("*/api.py")}

    assert {application.__name__ for application in APPLICATIONS} == {f"{folder}.api" for folder in folders}
    assert {"team-list", "me", "ledger-entry-list", "notification-list"} <= {route.name for route in collect()}


@pytest.mark.django_db
def test_the_description_is_for_people_who_are_signed_in(client: Client) -> None:
    assert client.get(reverse("api:schema")).status_code == 401
    client.force_login(factories.person(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("api:schema")).status_code == 200


@pytest.mark.django_db
def test_the_docs_page_relaxes_styles_only_and_on_itself_only(client: Client) -> None:
    client.force_login(factories.person(), backend="django.contrib.auth.backends.ModelBackend")

    docs, other = client.get(reverse("api:docs")), client.get(reverse("accounts:tokens"))

    policy = docs["Content-Security-Policy"]
    assert docs.status_code == 200
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src 'self'" in policy.split("; ")
    assert "unsafe-inline" not in other["Content-Security-Policy"]
    assert "<script>" not in docs.content.decode()
    assert "https://" not in docs.content.decode()


@pytest.mark.django_db
def test_a_visitor_to_the_docs_is_sent_to_sign_in(client: Client) -> None:
    assert client.get(reverse("api:docs")).status_code == 302


@pytest.mark.django_db
def test_the_root_lists_the_routes(client: Client) -> None:
    client.force_login(factories.person(), backend="django.contrib.auth.backends.ModelBackend")

    assert {"teams", "people", "tokens", "ledger", "notifications"} <= set(client.get("/api/v1/").json())
