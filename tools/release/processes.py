"""Commands, run for what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def output(*command: str, cwd: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a command to its end; where it fails, show what it said and end with its exit status.

    Args:
        command: The command and its arguments.
        cwd: Where it runs.
        variables: Environment variables to set. What would reach the tap as a setting, or Python as a path, is not
            handed on.

    Returns:
        Its stdout, without white space around it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_ONEFILE_", "PYTHON"))}
    finished = subprocess.run(
        command, capture_output=True, check=False, cwd=cwd, env={**kept, **(variables or {})}, text=True
    )
    if finished.returncode:
        sys.stderr.write(finished.stdout + finished.stderr)
        sys.exit(finished.returncode)
    return finished.stdout.strip()
