"""The documentation says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_tables_are_fresh() -> None:
    pages = ["README.md", *map(str, sorted((ROOT / "docs").glob("*.md")))]

    check = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", *pages],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, f"run `make docs`:\n{check.stdout}{check.stderr}"
