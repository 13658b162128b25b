"""``check --deploy`` is clean in the production configuration and names each unsafe choice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.sealing import generate_key_pair

ROOT = Path(__file__).resolve().parent.parent.parent


def production(**changes: str) -> dict[str, str]:
    keep = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return keep | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "postgres://sallyport:secret@db.internal:5432/sallyport",
        "REDIS_URL": "redis://:secret@broker.internal:6379/0",
        "SECRET_KEY": "k" * 20 + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL",
        "ALLOWED_HOSTS": "sallyport.example.com",
        "BEHIND_TLS_PROXY": "true",
        "SALLYPORT_SEALING_KEY": generate_key_pair()[0].text(),
        **changes,
    }


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=production(**changes), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_production_configuration_is_clean() -> None:
    result = check()

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "finding"),
    [
        ("SALLYPORT_DEMO", "true", "sallyport.E001"),
        ("SALLYPORT_PLAIN_HTTP", "true", "sallyport.E002"),
        ("SALLYPORT_OPENING_KEYS", "sp-key-anything", "sallyport.E003"),
        ("SALLYPORT_SEALING_KEY", "", "sallyport.E004"),
        ("SALLYPORT_ALLOW_LOOPBACK_CLUSTERS", "true", "sallyport.W001"),
        ("DEBUG", "true", "security.W018"),
    ],
)
def test_an_unsafe_choice_is_named(variable: str, value: str, finding: str) -> None:
    result = check(**{variable: value})

    assert result.returncode == 1
    assert finding in result.stderr
