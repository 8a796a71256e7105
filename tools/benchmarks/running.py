"""Runs the peers against each other: round after round, each round in another order."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tools import CORE_STREAMS
from tools.benchmarks.measuring import CATALOGUE, EVERY_FIELD, measure, python_of, timed
from tools.benchmarks.peers import PEERS
from tools.benchmarks.results import Block
from tools.benchmarks.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.benchmarks.workloads import Situation

_STARTS = 15
_BUDGET_WINDOW = 60
"""Seconds."""
_ENOUGH = 90.0
"""Seconds after which a peer need not run again in a situation: what takes long scatters little."""


def run(situations: Sequence[Situation], rounds: int) -> Iterator[Block]:
    """Measure situation after situation.

    Args:
        situations: What is measured; those that share a server follow one another.
        rounds: How many times, unless once will do.

    Yields:
        What was found in each.
    """
    with TemporaryDirectory(prefix="benchmark-") as name:
        schemas = Path(name)
        _write_schemas(schemas)
        for _, sharing in groupby(situations, lambda s: (s.workload, s.latency_ms, s.calls_per_minute)):
            blocks = [Block(situation) for situation in sharing]
            budget = blocks[0].situation.calls_per_minute
            _say(f"Preparing a server for {blocks[0].situation}")
            with serving(blocks[0].situation) as server:
                for block in blocks:
                    for number in range(1 if block.situation.once else rounds):
                        first = number + situations.index(block.situation) if block.situation.once else number
                        for turn, peer in enumerate(_rotated(block.situation.peers, first)):
                            if block.fault(peer) or sum(run.wall for run in block.runs.get(peer, [])) > _ENOUGH:
                                continue
                            if budget and turn:
                                # Whoever came before has spent the budget of the last minute.
                                time.sleep(_BUDGET_WINDOW)
                            found, last_words = measure(PEERS[peer], block.situation, server, schemas)
                            block.runs.setdefault(peer, []).append(found)
                            _say(
                                f"{block.situation}, round {number + 1}, {peer}: {found.wall:.2f} s, processor"
                                f" {found.cpu:.2f} s, {found.rss / 1e6:.0f} MB, {found.calls} calls",
                            )
                            if found.fault:
                                _say(f"{last_words}\n{peer} does not count: {found.fault}")
                    yield block


def start_times() -> dict[str, list[float]]:
    """Time the tap's start beside that of the library which it is built on, one after the other by turns."""
    commands = {
        "tap": [str(Path(python_of("dev")).with_name("tap-onefile")), "--version"],
        "singer_sdk": [python_of("dev"), "-c", "import singer_sdk"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(_STARTS):
        for name in _rotated(tuple(commands), number):
            taken, last_words = timed(commands[name])
            if taken.fault:
                raise RuntimeError(last_words)
            found[name].append(taken.wall)
    return found


def _rotated(names: tuple[str, ...], number: int) -> tuple[str, ...]:
    first = number % len(names)
    return names[first:] + names[:first]


def _write_schemas(folder: Path) -> None:
    """Write the schemas of the six streams as files, and a catalogue that selects just these for the tap itself."""
    settings = folder / "discovery.json"
    settings.write_text(json.dumps(EVERY_FIELD), encoding="utf-8")
    command = [python_of("dev"), "-m", "tap_onefile", "--config", str(settings), "--discover"]
    finished = subprocess.run(command, capture_output=True, check=True)
    catalogue = json.loads(finished.stdout)
    for stream in catalogue["streams"]:
        name = stream["tap_stream_id"]
        (folder / f"{name}.json").write_text(json.dumps(stream["schema"]), encoding="utf-8")
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = name in CORE_STREAMS
    (folder / CATALOGUE).write_text(json.dumps(catalogue), encoding="utf-8")


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
