"""A record of each stream, for its page: what the tap sends for a sandbox in which everyone is invented."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from onefile_sandbox import Behaviour, Sandbox
from tap_onefile import __version__

_LONGEST_TEXT = 120


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Run the tap over a sandbox and choose the fullest record of each stream.

    Returns:
        The records by the name of their stream.
    """
    behaviour = Behaviour(unsupported_roles="rows", absent_values="null", sentinels=False)
    with Sandbox(learners=40, organisations=1, calls_per_minute=0, behaviour=behaviour) as sandbox:
        config = {
            "api_url": sandbox.api_url,
            "customer_token": sandbox.customer_token,
            "special_category_data": True,
            "requests_per_minute": 0,
        }
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
            catalog = json.loads(_tap(folder, "--discover"))
            for stream in catalog["streams"]:
                for entry in stream["metadata"]:
                    entry["metadata"]["selected"] = True
            (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
            messages = map(json.loads, _tap(folder, "--catalog", "catalog.json").splitlines())
            chosen: dict[str, dict[str, Any]] = {}
            for message in messages:
                if message["type"] == "RECORD":
                    stream, record = message["stream"], message["record"]
                    chosen[stream] = max(chosen.get(stream, record), record, key=_fullness)
    return chosen


def report() -> str:
    """Show the report on a sandbox that answers otherwise than assumed."""
    behaviour = Behaviour(page_size_cap=8, past_the_end="[]", quoted_session=True)
    with Sandbox(learners=40, organisations=2, calls_per_minute=0, behaviour=behaviour) as sandbox:
        config = {"api_url": sandbox.api_url, "customer_token": sandbox.customer_token, "requests_per_minute": 0}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
            text = _tap(folder, "--check-api")
    # The number of the version would be out of date with every release.
    return f"```text\n{text.replace(f' {__version__}', '')}```"


def _tap(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "tap_onefile", "--config", "config.json", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return run.stdout


def _fullness(record: dict[str, Any]) -> int:
    texts = [value for value in record.values() if isinstance(value, str)]
    if any(len(text) > _LONGEST_TEXT for text in texts):
        return 0
    return sum(value not in {None, 0, ""} for value in record.values() if not isinstance(value, list))
