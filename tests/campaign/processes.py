"""Processes of the tap that begin at once: their Python has been started, and what it imports has been imported."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from typing import TYPE_CHECKING, Any

from tests.running import Run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HANGS_AFTER = 90.0
"""Seconds that no run of the campaign takes."""

HUNG = -1
"""Stands for the exit status of a run that had to be killed."""

_LOST = 255
"""What multiprocessing gives where its server could not tell how a process ended; no run of the tap ends so."""


class LostProcess(Exception):
    """Nobody knows how a process has ended; that is no fault of what ran in it, and it can be run again."""


_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tap_onefile.cli"])


def run_at_once(folder: Path, config: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> Run:
    """Run the command `tap-onefile` to its end in a process of its own.

    Args:
        folder: A folder to run in, with the catalog to use.
        config: The settings.
        state: What an earlier run left.

    Raises:
        LostProcess: How it ended cannot be known.
    """
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ["tap-onefile", "--config", "config.json", "--catalog", "catalog.json"]
    if state is not None:
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        arguments += ["--state", "state.json"]
    process = _processes.Process(target=_main, args=(str(folder), arguments))
    process.start()
    process.join(HANGS_AFTER)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
        status = HUNG
    process.close()
    if status == _LOST:
        raise LostProcess
    return Run(status, (folder / "out").read_text(encoding="utf-8"), (folder / "err").read_text(encoding="utf-8"))


def _main(folder: str, arguments: list[str]) -> None:
    os.chdir(folder)
    for name, place in (("out", 1), ("err", 2)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, place)
        os.close(file)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    sys.argv = arguments
    from tap_onefile.cli import run  # noqa: PLC0415 - imported by the server that this process comes from

    run()
