"""The direction of imports holds, and each contract would notice if it did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LINT = str(Path(sys.executable).parent / "lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the sources that a test may break."""
    for package in CONTRACTS["root_packages"]:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "migrations", "*.json")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_keeps_its_contracts(house: Path) -> None:
    result = lint(house)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("ledger/services.py", "import governance.models", "Imports point down"),
        ("policy/errors.py", "import django", "no web framework"),
        ("connectors/errors.py", "import celery", "no web framework"),
        ("policy/compilers/cilium.py", "import policy.compilers.networkpolicy", "independent of each other"),
    ],
)
def test_a_broken_contract_is_named(house: Path, module: str, statement: str, contract: str) -> None:
    path = house / module
    path.write_text(f"{path.read_text()}\n{statement}\n")

    result = lint(house)

    assert result.returncode == 1
    broken = [line for line in result.stdout.splitlines() if line.endswith("BROKEN")]
    assert [line for line in broken if contract in line]
