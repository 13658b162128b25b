"""Nothing that can be sent ends in a failure of ours."""

from __future__ import annotations

import json

import pytest
from rest_framework.test import APIClient

from tests import factories
from tests.api.clients import with_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> APIClient:
    return with_token(factories.administrator())


BODIES = {
    "nothing": b"",
    "not json": b"{",
    "not utf-8": b'{"slug": "\xff"}',
    "utf-16": '{"slug": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"slug": "x"}',
    "nul in a text": b'{"slug": "a\\u0000b", "name": "x"}',
    "raw nul": b'{"slug": "a\x00b", "name": "x"}',
    "control character": b'{"slug": "a", "name": "a\\u0007b"}',
    "reordering character": '{"slug": "a", "name": "a\u202eb"}'.encode(),
    "half a character": b'{"slug": "a", "name": "\\ud800"}',
    "duplicate key": b'{"slug": "a", "slug": "b", "name": "x"}',
    "nan": b'{"slug": NaN}',
    "infinity": b'{"slug": -Infinity}',
    "float overflow": b'{"slug": 1e999}',
    "huge integer": b'{"slug": ' + b"9" * 30 + b"}",
    "endless integer": b'{"slug": ' + b"9" * 100_000 + b"}",
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 60 + b"1" + b"}" * 60,
    "deep value": b'{"slug": ' + b"[" * 30 + b"]" * 30 + b', "name": "x"}',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["/api/v1/teams/", "/api/v1/people/", "/api/v1/tokens/"])
def test_a_malformed_body_is_a_refusal_in_the_one_shape(client: APIClient, name: str, path: str) -> None:
    response = client.post(path, BODIES[name], content_type="application/json")

    assert response.status_code == 400, response.content
    assert set(response.json()) == {"code", "message", "details"}


@pytest.mark.parametrize(
    "value", [None, [], {}, "x", 1, True, -1, 2**63 - 1, 1.5, [[[]]], {"a": {"b": []}}, "🙂" * 500]
)
@pytest.mark.parametrize("field", ["slug", "name", "contact", "email", "label", "scopes", "expires_at", "account"])
def test_a_wrong_type_is_a_refusal(client: APIClient, field: str, value: object) -> None:
    for path in ("/api/v1/teams/", "/api/v1/people/", "/api/v1/tokens/"):
        assert client.post(path, {field: value}, format="json").status_code in (400, 403, 422)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true"])
def test_a_body_that_is_no_object_is_a_refusal(client: APIClient, body: bytes) -> None:
    assert client.post("/api/v1/teams/", body, content_type="application/json").status_code == 400


def test_a_large_body_is_refused_before_it_is_read(client: APIClient) -> None:
    response = client.post(
        "/api/v1/teams/", json.dumps({"slug": "x", "name": "y" * 2_000_000}), content_type="application/json"
    )

    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x/y"])
def test_only_json_is_read(client: APIClient, media: str) -> None:
    assert client.post("/api/v1/teams/", b"slug=x", content_type=media).status_code == 415


TEXTS = [
    "%00",
    "a%00b",
    "%ff",
    "%e2%80%ae",
    "9" * 5000,
    "-1",
    "1e9",
    "'",
    "%27%3B--",
    "../..",
    "%F0%9F%99%82",
    "null",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_address_breaks_the_api(client: APIClient, text: str) -> None:
    for path in (
        f"/api/v1/teams/{text}/",
        f"/api/v1/teams/{text}/members/",
        f"/api/v1/people/{text}/",
        f"/api/v1/people/{text}/disable/",
        f"/api/v1/tokens/{text}/",
        f"/api/v1/ledger/{text}/",
        f"/api/v1/notifications/{text}/read/",
        f"/api/v1/{text}",
        f"/api/{text}",
    ):
        assert client.get(path).status_code in (200, 404, 405), path


PARAMETERS = [
    "page",
    "page_size",
    "text",
    "role",
    "team",
    "state",
    "action",
    "actor",
    "subject",
    "origin",
    "since",
    "unread",
    "format",
    "lang",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_query_breaks_a_list(client: APIClient, text: str) -> None:
    for path in ("/api/v1/teams/", "/api/v1/people/", "/api/v1/tokens/", "/api/v1/ledger/", "/api/v1/notifications/"):
        for parameter in PARAMETERS:
            assert client.get(f"{path}?{parameter}={text}").status_code in (200, 400, 404), (path, parameter)


def test_a_page_is_at_most_200_rows_and_names_its_neighbours(client: APIClient) -> None:
    for _ in range(3):
        factories.team()

    body = client.get("/api/v1/teams/?page_size=2").json()
    everything = client.get("/api/v1/teams/?page_size=100000").json()

    assert (body["count"], len(body["results"]), body["previous"]) == (3, 2, None)
    assert "page=2" in body["next"]
    assert everything["next"] is None


def test_an_address_that_does_not_exist_is_a_refusal_in_the_one_shape(client: APIClient) -> None:
    for response in (client.get("/api/v1/nothing/"), client.post("/api/nothing"), APIClient().get("/api/v2/")):
        assert response.status_code == 404
        assert set(response.json()) == {"code", "message", "details"}
