"""Runs one peer once, and says what it took and whether its result is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tools.benchmarks.checking import difference, tallied_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.benchmarks.peers import Peer
    from tools.benchmarks.server import Server
    from tools.benchmarks.workloads import Situation

PARALLEL_REQUESTS = 8
BUDGET_WINDOW = 60
"""Seconds."""
_LONGEST_START = 60
_LAUNCHER = Path(__file__).with_name("launch.py")
_REFUSED = 429
_LAST_WORDS = 2000
EVERY_FIELD = {"special_category_data": True}
"""Lets the tap read what the peers read: it leaves some fields out unless told otherwise."""
CATALOGUE = "catalogue.json"
"""The file, among the schemas, that selects the six streams."""


@dataclass(frozen=True)
class Run:
    """What one run took."""

    wall: float
    """Seconds from start to end."""
    cpu: float
    """Seconds of processor time, of all its processes."""
    rss: int
    """Most memory held at once by any of its processes, in bytes."""
    calls: int = 0
    refused: int = 0
    """Calls that were answered with 429."""
    calls_per_minute: float | None = None
    """Calls a minute over all whole budgets after the first call; None where fewer were made."""
    fault: str | None = None
    """Why the run does not count."""


def python_of(environment: str) -> str:
    """Give the Python of an environment."""
    return str(Path(".venvs", environment, "bin", "python").absolute())


def timed(
    command: list[str],
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    longest: int = _LONGEST_START,
) -> tuple[Run, str]:
    """Run a command to its end.

    Args:
        command: The command.
        environ: Further environment variables.
        folder: Where stdout and stderr are kept, as ``stdout`` and ``stderr``; nowhere unless given.
        longest: Seconds after which it is ended.

    Returns:
        What it took, and the end of what it said on stderr.
    """
    with TemporaryDirectory() as scratch:
        place = folder or Path(scratch)
        errors = place / "stderr"
        report = place / "report.json"
        launch = [str(report), str(longest), str(place / "stdout"), str(errors)]
        subprocess.run(
            [sys.executable, "-S", str(_LAUNCHER), *launch, *command],
            check=True,
            env={**_clean_environment(), **(environ or {})},
        )
        told = json.loads(report.read_text(encoding="utf-8"))
        last_words = _end_of(errors) or _end_of(place / "stdout")
    status = told.pop("status")
    return Run(**told, fault=f"exit status {status}" if status else None), last_words


def measure(peer: Peer, situation: Situation, server: Server, schemas: Path) -> tuple[Run, str]:
    """Run one peer once.

    Args:
        peer: Who reads.
        situation: What is read.
        server: Where it is read from.
        schemas: A folder with the streams' JSON schemas, and the catalogue that selects them.

    Returns:
        What it took, and the end of what the peer said on stderr.
    """
    config = settings_for(situation, server)
    known = {name: config[name] for name in ("api_url", "customer_token", "page_size")}
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        peers_own = folder / "own"
        peers_own.mkdir()
        settings = folder / "config.json"
        settings.write_text(json.dumps(known if peer.name == "stock_sdk" else config), encoding="utf-8")
        places = {"CONFIG": str(settings), "FOLDER": str(peers_own), "CATALOGUE": str(schemas / CATALOGUE)}
        command = [python_of(peer.environment), *(places.get(word, word) for word in peer.command)]
        before = len(server.calls())
        run, last_words = timed(command, {"SCHEMAS": str(schemas)}, folder, situation.longest)
        calls = server.calls()[before:]
        fault = run.fault
        if not fault:
            found = tallied_together(peer.outputs(folder / "stdout", peers_own), server.expected)
            fault = difference(found, server.expected)
    return with_calls(run, calls, situation.calls_per_minute, fault), last_words


def settings_for(situation: Situation, server: Server) -> dict[str, Any]:
    """Give what a peer is told of where to read, and how."""
    return {
        "api_url": server.api_url,
        "customer_token": server.customer_token,
        "page_size": situation.page_size,
        "parallel_requests": PARALLEL_REQUESTS,
        "requests_per_minute": situation.calls_per_minute,
        **EVERY_FIELD,
    }


def with_calls(run: Run, calls: Sequence[Mapping[str, Any]], budget: int, fault: str | None) -> Run:
    """Complete what a run took by the calls that it made, and why it does not count."""
    return replace(
        run,
        calls=len(calls),
        refused=sum(call["status"] == _REFUSED for call in calls),
        calls_per_minute=_pace([call["at"] for call in calls], budget),
        fault=fault,
    )


def rotated(names: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Give the order of a round."""
    first = number % len(names)
    return names[first:] + names[:first]


def say(sentence: str) -> None:
    """Tell whoever is waiting."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def say_found(situation: Situation, number: int, peer: str, found: Run, last_words: str) -> None:
    """Tell what a run took, and what it said if it does not count."""
    say(
        f"{situation}, round {number + 1}, {peer}: {found.wall:.2f} s, processor {found.cpu:.2f} s,"
        f" {found.rss / 1e6:.0f} MB, {found.calls} calls"
    )
    if found.fault:
        say(f"{last_words}\n{peer} does not count: {found.fault}")


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LAST_WORDS))
        return file.read().decode(errors="replace")


def _pace(moments: list[float], budget: int) -> float | None:
    """Tell how many calls a minute were made, from the first call to the last that begins a whole budget."""
    whole = (len(moments) - 1) // budget * budget if budget else 0
    return whole / (moments[whole] - moments[0]) * 60 if whole else None


def _clean_environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_", "TARGET_", "MELTANO_", "SINGER_"))
    }
    return {**kept, "DO_NOT_TRACK": "1", "RUNTIME__DLTHUB_TELEMETRY": "false"}
