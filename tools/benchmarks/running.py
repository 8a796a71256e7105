"""Runs the peers against each other: round after round, each round in another order."""

from __future__ import annotations

import json
import subprocess
import time
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tools import CORE_STREAMS
from tools.benchmarks.loading import load
from tools.benchmarks.measuring import (
    BUDGET_WINDOW,
    CATALOGUE,
    EVERY_FIELD,
    measure,
    python_of,
    rotated,
    say,
    say_found,
    timed,
)
from tools.benchmarks.peers import PEERS
from tools.benchmarks.results import Block
from tools.benchmarks.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.benchmarks.server import Server
    from tools.benchmarks.workloads import Situation

_STARTS = 15


def run(situations: Sequence[Situation], rounds: int) -> Iterator[Block]:
    """Measure situation after situation.

    Args:
        situations: What is measured; those that share a server follow one another.
        rounds: How many times, unless once will do.

    Yields:
        What was found in each; again after each round, where that may take long.
    """
    with TemporaryDirectory(prefix="benchmark-") as name:
        schemas = Path(name)
        _write_schemas(schemas)
        for served, sharing in groupby(situations, lambda situation: situation.served):
            blocks = [Block(situation) for situation in sharing]
            say(f"Preparing a server for {blocks[0].situation}")
            with serving(served) as server:
                if served.load:
                    for _ in load(blocks, rounds, server, schemas):
                        yield from blocks
                    continue
                for block in blocks:
                    first = situations.index(block.situation) if block.situation.once else 0
                    _extract(block, rounds, first, server, schemas)
                    yield block


def _extract(block: Block, rounds: int, first: int, server: Server, schemas: Path) -> None:
    situation = block.situation
    for number in range(1 if situation.once else rounds):
        for turn, peer in enumerate(rotated(situation.peers, first + number)):
            if block.has_enough(peer):
                continue
            if situation.calls_per_minute and turn:
                # Whoever came before has spent the budget of the last minute.
                time.sleep(BUDGET_WINDOW)
            found, last_words = measure(PEERS[peer], situation, server, schemas)
            block.runs.setdefault(peer, []).append(found)
            say_found(situation, number, peer, found, last_words)


def start_times() -> dict[str, list[float]]:
    """Time the tap's start beside that of the library which it is built on, one after the other by turns."""
    commands = {
        "tap": [str(Path(python_of("dev")).with_name("tap-onefile")), "--version"],
        "singer_sdk": [python_of("dev"), "-c", "import singer_sdk"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(_STARTS):
        for name in rotated(tuple(commands), number):
            taken, last_words = timed(commands[name])
            if taken.fault:
                raise RuntimeError(last_words)
            found[name].append(taken.wall)
    return found


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
