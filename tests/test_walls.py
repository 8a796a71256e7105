"""The walls between the rooms stand, and each of them would be seen to fall (CONTRIBUTING, "Where things are")."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BREACHES = {
    "layers": ("tap_onefile/errors.py", "from tap_onefile import settings"),
    "cycles": ("tap_onefile/api/transport.py", "from tap_onefile.api import client"),
    "singer": ("tap_onefile/extract/query.py", "import click"),
    "http": ("tap_onefile/streams/people.py", "import requests"),
    "tap": ("tap_onefile/streams/base.py", "if TYPE_CHECKING:\n    from tap_onefile.tap import TapOneFile"),
    "sandbox": ("tap_onefile/run.py", "import onefile_sandbox"),
}
"""An import that each contract forbids, by the contract's id in pyproject.toml."""


def check(folder: Path, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as check; check()", *arguments],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{folder / 'sandbox'}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return finished.stdout + finished.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for package in ("tap_onefile", "sandbox/onefile_sandbox"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_wall_stands() -> None:
    assert f"Contracts: {len(BREACHES)} kept, 0 broken." in check(ROOT, "--no-cache")


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_of_a_wall_is_seen(checkout: Path, contract: str) -> None:
    file, breach = BREACHES[contract]
    with (checkout / file).open("a", encoding="utf-8") as code:
        code.write(f"\n{breach}\n")

    assert "Contracts: 0 kept, 1 broken." in check(checkout, "--no-cache", "--contract", contract)
