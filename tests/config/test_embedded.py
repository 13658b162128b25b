"""The embedded services keep their data, stop with their command, and are held by one command at a time."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import AlreadyRunning, EmbeddedServices


def test_data_survives_a_restart_and_nothing_answers_in_between(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path / "data")
    with services.running():
        broker = redis.Redis.from_url(services.broker_url)
        broker.set("kept", "yes")
        with psycopg.connect(_dsn(services)) as database:
            database.execute("CREATE TABLE kept (value text)")
            database.execute("INSERT INTO kept VALUES ('yes')")

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(_dsn(services), connect_timeout=2)
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(services.broker_url).ping()

    with services.running():
        assert redis.Redis.from_url(services.broker_url).get("kept") == b"yes"
        with psycopg.connect(_dsn(services)) as database:
            assert database.execute("SELECT value FROM kept").fetchone() == ("yes",)


def test_the_broker_asks_for_its_password(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path / "data")
    with services.running():
        address = services.broker_url.split("@")[1]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://{address}").ping()


def test_a_second_command_says_that_one_is_running(tmp_path: Path) -> None:
    first, second = EmbeddedServices(tmp_path / "data"), EmbeddedServices(tmp_path / "data")
    with first.running(), pytest.raises(AlreadyRunning, match="already running"), second.running():
        pass


def test_secrets_of_the_installation_are_made_once_and_private(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path / "data")

    made = services.secret("secret-key")

    assert services.secret("secret-key") == made
    assert (tmp_path / "data" / "private" / "secret-key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "data" / "private").stat().st_mode & 0o077 == 0


def _dsn(services: EmbeddedServices) -> str:
    folder, database = services.database_url.removeprefix("postgres://postgres@/").rsplit("/", 1)
    return f"host={folder} user=postgres dbname={database}"
