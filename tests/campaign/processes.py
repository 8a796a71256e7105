"""Runs of the campaign, which may hang."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.running import Run, run_forked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HANGS_AFTER = 90.0
"""Seconds that no run of the campaign takes."""

HUNG = -1
"""Stands for the exit status of a run that had to be killed."""


def run_at_once(folder: Path, config: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> Run:
    """Run the tap to its end.

    Args:
        folder: A folder to run in, with the catalog to use.
        config: The settings.
        state: What an earlier run left.

    Raises:
        LostProcess: How it ended cannot be known.
    """
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ["--config", "config.json", "--catalog", "catalog.json"]
    if state is not None:
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        arguments += ["--state", "state.json"]
    try:
        return run_forked(folder, *arguments, timeout=HANGS_AFTER)
    except subprocess.TimeoutExpired as hung:
        return Run(HUNG, str(hung.output), str(hung.stderr))
