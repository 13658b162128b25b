from __future__ import annotations

import base64
import copy
import pickle
from typing import Any

import orjson
import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from connectors.access import ClusterAccess, access_from_fields, parse_server
from connectors.errors import InvalidAccess, InvalidCredential
from connectors.kubeconfig import parse_kubeconfig
from tests.connectors.certificates import make_authority, make_leaf

CANARY = "canary-token-2f9d1c"
AUTHORITY = make_authority()
CLIENT = make_leaf(AUTHORITY)
OTHER = make_leaf(AUTHORITY)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://10.0.0.1:6443",
                    "certificate-authority-data": b64(AUTHORITY.certificate_pem),
                },
            }
        ],
        "users": [{"name": "u", "user": {"token": CANARY}}],
    }


def refused(config: dict[str, Any] | str) -> dict[str, str]:
    """The fields at fault and their messages; no message may hold the token."""
    with pytest.raises(InvalidAccess) as caught:
        parse_kubeconfig(config if isinstance(config, str) else yaml.safe_dump(config))
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)
    assert caught.value.__cause__ is None
    return {problem.field: problem.message for problem in caught.value.problems}


def test_a_token_is_read_with_its_server_and_authority(config: dict[str, Any]) -> None:
    access = parse_kubeconfig(yaml.safe_dump(config))

    assert (str(access.server), access.method, access.token) == ("https://10.0.0.1:6443", "token", CANARY)
    assert access.ca_pem == AUTHORITY.certificate_pem
    assert access.client_key_pem is None


def test_a_client_certificate_is_read_with_its_key(config: dict[str, Any]) -> None:
    config["users"][0]["user"] = {
        "client-certificate-data": b64(CLIENT.certificate_pem),
        "client-key-data": b64(CLIENT.key_pem),
    }

    access = parse_kubeconfig(yaml.safe_dump(config))

    assert access.method == "client-certificate"
    assert access.client_key_pem == CLIENT.key_pem
    assert access.token is None


def test_json_is_as_good_as_yaml(config: dict[str, Any]) -> None:
    assert parse_kubeconfig(orjson.dumps(config).decode()).token == CANARY


def test_only_the_current_context_is_resolved(config: dict[str, Any]) -> None:
    config["users"].append({"name": "elsewhere", "user": {"exec": {"command": "/bin/sh"}}})
    config["clusters"].append({"name": "other", "cluster": {"server": "http://plain"}})
    config["contexts"].append({"name": "there", "context": {"cluster": "other", "user": "elsewhere"}})

    assert parse_kubeconfig(yaml.safe_dump(config)).token == CANARY

    config["current-context"] = "there"
    assert "users[1].user.exec" in refused(config)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("exec", {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", "id"]}),
        ("auth-provider", {"name": "gcp"}),
        ("tokenFile", "/etc/passwd"),
        ("client-certificate", "/home/somebody/.ssh/id_rsa"),
        ("client-key", "/home/somebody/.ssh/id_rsa"),
        ("username", "admin"),
        ("password", "secret"),
        ("as", "system:admin"),
        ("as-uid", "1"),
        ("as-groups", ["system:masters"]),
        ("as-user-extra", {"a": ["b"]}),
        ("impersonate-groups", ["system:masters"]),
        ("exec", []),
    ],
)
def test_a_user_field_that_runs_reads_or_pretends_is_refused(field: str, value: object, config: dict[str, Any]) -> None:
    config["users"][0]["user"][field] = value

    assert list(refused(config)) == [f"users[0].user.{field}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("certificate-authority", "/etc/ssl/ca.pem"),
        ("insecure-skip-tls-verify", True),
        ("insecure-skip-tls-verify", "yes"),
        ("proxy-url", "http://proxy:3128"),
        ("tls-server-name", "other.example.com"),
        ("api-version", "v1"),
    ],
)
def test_a_cluster_field_that_changes_how_we_connect_is_refused(
    field: str, value: object, config: dict[str, Any]
) -> None:
    config["clusters"][0]["cluster"][field] = value

    assert list(refused(config)) == [f"clusters[0].cluster.{field}"]


def test_fields_that_ask_for_nothing_are_let_through(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"] |= {
        "insecure-skip-tls-verify": False,
        "proxy-url": "",
        "disable-compression": True,
        "extensions": [{"name": "minikube.sigs.k8s.io", "extension": {"version": "v1"}}],
    }

    assert parse_kubeconfig(yaml.safe_dump(config)).token == CANARY


def test_every_problem_is_named_at_once(config: dict[str, Any]) -> None:
    config["users"][0]["user"] = {"exec": {"command": "x"}, "as": "root", "surprise": 1}
    config["clusters"][0]["cluster"]["proxy-url"] = "http://p"

    assert set(refused(config)) == {
        "clusters[0].cluster.proxy-url",
        "users[0].user.exec",
        "users[0].user.as",
        "users[0].user.surprise",
    }


def test_two_credentials_are_one_too_many(config: dict[str, Any]) -> None:
    config["users"][0]["user"] |= {
        "client-certificate-data": b64(CLIENT.certificate_pem),
        "client-key-data": b64(CLIENT.key_pem),
    }

    assert "not both" in refused(config)["users[0].user.token"]


@pytest.mark.parametrize(
    ("user", "field"),
    [
        ({}, "token"),
        ({"token": ""}, "token"),
        ({"token": "two words"}, "token"),
        ({"token": "line\nbreak"}, "token"),
        ({"token": "x" * 20_000}, "token"),
        ({"token": ["list"]}, "token"),
        ({"client-key-data": b64(CLIENT.key_pem)}, "client-certificate-data"),
        ({"client-certificate-data": b64(CLIENT.certificate_pem)}, "client-key-data"),
        ({"client-certificate-data": "%%%", "client-key-data": b64(CLIENT.key_pem)}, "client-certificate-data"),
        (
            {"client-certificate-data": b64(CLIENT.certificate_pem), "client-key-data": b64(OTHER.key_pem)},
            "client-key-data",
        ),
        (
            {"client-certificate-data": b64(CLIENT.certificate_pem), "client-key-data": b64("not a key")},
            "client-key-data",
        ),
    ],
)
def test_an_unusable_credential_is_refused_by_its_field(
    user: dict[str, Any], field: str, config: dict[str, Any]
) -> None:
    config["users"][0]["user"] = user

    assert list(refused(config)) == [f"users[0].user.{field}"]


def test_a_key_with_a_passphrase_is_refused_and_never_asked_for(config: dict[str, Any]) -> None:
    protected = CLIENT.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    ).decode()
    config["users"][0]["user"] = {
        "client-certificate-data": b64(CLIENT.certificate_pem),
        "client-key-data": b64(protected),
    }

    assert "passphrase" in refused(config)["users[0].user.client-key-data"]


@pytest.mark.parametrize(
    "authority",
    ["", b64(""), b64("text"), "not base64!", b64(CLIENT.key_pem), b64(AUTHORITY.certificate_pem.replace("M", "!"))],
)
def test_an_authority_that_is_no_certificate_is_refused(authority: str, config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["certificate-authority-data"] = authority

    assert list(refused(config)) == ["clusters[0].cluster.certificate-authority-data"]


@pytest.mark.parametrize(
    "server",
    [
        "http://10.0.0.1", "10.0.0.1:6443", "ftp://a", "https://", "https:///x", "https://a b", "https://u:p@host",
        "https://host?x=1", "https://host#x", "https://host/%2e%2e", "https://host/../x", "https://host//x",
        "https://host:0", "https://host:99999", "https://host:", "https://[::1", "https://host\\@evil", "HTTPS://h",
        "https://2130706433", "https://0x7f.1", "https://ho\nst", "https://hôst", "https://a_b.example.com",
        "file:///etc/passwd", "https://host/x;y", "https://" + "a" * 3000,
    ],
)  # fmt: skip
def test_a_server_that_is_not_plain_https_is_refused(server: str, config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["server"] = server

    assert list(refused(config)) == ["clusters[0].cluster.server"]


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("https://API.Example.com", "https://api.example.com"),
        ("https://api.example.com:443/", "https://api.example.com"),
        ("https://[2001:DB8::1]:6443", "https://[2001:db8::1]:6443"),
        ("https://rancher.example.com/k8s/clusters/c-1/", "https://rancher.example.com/k8s/clusters/c-1"),
    ],
)
def test_a_server_has_one_canonical_form(given: str, canonical: str) -> None:
    assert str(parse_server(given)) == canonical
    assert str(parse_server(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "not a kubeconfig"),
        ("[]", "not a kubeconfig"),
        ("just text", "not a kubeconfig"),
        ("a: [", "not readable"),
        ("\x00", "not readable"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("a: &x 1\nb: *x\n", "anchors"),
        ("a: &x [1]\n", "anchors"),
        ("&x a: 1\n", "anchors"),
        ("a: !!python/object/apply:os.system ['id']\n", "tags"),
        ("!!map {a: 1}", "tags"),
        ("kind: Config\nkind: Config\n", "given twice"),
        ("? [a]\n: 1\n", "plain text"),
        ("a: " + "[" * 40 + "]" * 40, "deeply"),
        ("a: " + "{a: " * 4000 + "}" * 4000, "deeply"),
        ("x" * (2 << 20), "larger"),
        ("a: [" + "1," * 30_000 + "]", "too many"),
        ("<<: {kind: Config}\n", "known"),
        ("kind: Secret\napiVersion: v1\n", "not a kubeconfig"),
    ],
)
def test_a_document_that_is_more_than_data_is_refused(text: str, part: str) -> None:
    assert part in " ".join(refused(text).values())


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 30)]

    assert "anchors" in " ".join(refused("\n".join(lines)).values())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda c: c.pop("current-context"), "current-context"),
        (lambda c: c.update({"current-context": "nowhere"}), "contexts"),
        (lambda c: c.update({"contexts": {}}), "contexts"),
        (lambda c: c["contexts"].append(copy.deepcopy(c["contexts"][0])), "contexts"),
        (lambda c: c["users"].append(copy.deepcopy(c["users"][0])), "users"),
        (lambda c: c["users"][0].update({"user": None}), "users[0].user"),
        (lambda c: c["contexts"][0]["context"].pop("user"), "contexts[0].context.user"),
        (lambda c: c["users"][0].update({"exec": {}}), "users[0].exec"),
        (lambda c: c.update({"surprise": 1}), "surprise"),
    ],
)
def test_a_document_that_does_not_hang_together_is_refused(change: Any, field: str, config: dict[str, Any]) -> None:
    change(config)

    assert list(refused(config)) == [field]


def test_a_token_pasted_as_a_key_is_not_repeated(config: dict[str, Any]) -> None:
    config["users"][0]["user"] = {"token": "x", f"{CANARY}.eyJhbGciOiJSUzI1NiIsImtpZCI6IlhYWFhYWFhYWFgifQ": "y"}

    assert list(refused(config)) == ["users[0].user.…"]


def test_nothing_shows_the_secrets_of_an_access(config: dict[str, Any]) -> None:
    access = parse_kubeconfig(yaml.safe_dump(config))

    assert CANARY not in repr(access)
    assert CANARY not in str(access)
    assert CANARY not in access.fingerprint
    with pytest.raises(TypeError):
        pickle.dumps(access)


def test_an_access_survives_being_stored(config: dict[str, Any]) -> None:
    access = parse_kubeconfig(yaml.safe_dump(config))

    assert ClusterAccess.from_bytes(access.as_bytes()) == access


def test_form_fields_are_named_as_in_the_form() -> None:
    with pytest.raises(InvalidAccess) as caught:
        access_from_fields(server="http://x", ca_pem="", token="")

    assert set(caught.value.details["fields"]) == {"server", "ca_pem", "token"}  # type: ignore[call-overload]


def test_the_message_of_a_bad_server_is_a_sentence() -> None:
    with pytest.raises(InvalidCredential, match="must begin with https://"):
        parse_server("http://10.0.0.1")
