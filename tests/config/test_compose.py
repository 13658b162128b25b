"""The production-shaped stack, as far as it can be checked without an engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
SETTINGS = (ROOT / "config" / "settings.py").read_text()
OURS = {"migrate", "web", "worker", "pusher", "beat"}


def test_the_stack_has_every_part_of_the_product() -> None:
    assert OURS | {"postgres", "valkey", "squid"} == set(SERVICES)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_each_service_that_stays_says_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert SERVICES[name]["healthcheck"]["interval"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_wait_for_healthy_stores_and_run_without_privileges(name: str) -> None:
    service = SERVICES[name]

    assert {part: wait["condition"] for part, wait in service["depends_on"].items()} == {
        "postgres": "service_healthy",
        "valkey": "service_healthy",
    }
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_that_a_service_is_given_is_one_that_the_settings_read(name: str) -> None:
    for variable in SERVICES[name]["environment"]:
        assert variable == "DJANGO_SETTINGS_MODULE" or f'"{variable}"' in SETTINGS, variable


def test_only_the_pusher_can_open_credentials_and_it_holds_no_secret_of_the_portal() -> None:
    holders = {name for name in OURS if "SALLYPORT_OPENING_KEYS" in SERVICES[name]["environment"]}

    assert holders == {"pusher"}
    assert "SECRET_KEY" not in SERVICES["pusher"]["environment"]


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    secret = re.compile(r"\$\{(\w*(?:PASSWORD|SECRET|KEY|KEYS))(:[^}]*)?\}")

    for name, rest in secret.findall(text):
        assert rest.startswith(":?"), name


def test_each_queue_has_a_consumer() -> None:
    consumed = {
        SERVICES[name]["command"][SERVICES[name]["command"].index("--queues") + 1] for name in ("worker", "pusher")
    }

    assert consumed == {"work", "pusher"}
