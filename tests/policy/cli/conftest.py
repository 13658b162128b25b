"""The command as a fixture."""

import pytest

from tests.policy.cli.running import Sallyport


@pytest.fixture
def sallyport(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sallyport:
    return Sallyport(monkeypatch, capsys)
