"""A run that is cut short at any moment never looks finished, and the next one completes what the target holds."""

from __future__ import annotations

import json
import random
import resource
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.campaign.trials import Target, key_of
from tests.running import Run, config_for, run_tap, start_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

SEED = 76000020990
MOMENTS = [round(random.Random(SEED + part).uniform(part / 4, (part + 1) / 4), 3) for part in range(3)]  # noqa: S311
"""Shares of the output after which a run is cut short. The last part fits into a pipe, and the run might be over."""

SOON = 30


@pytest.fixture
def onefile(start_sandbox: StartSandbox) -> Sandbox:
    """Give a customer whose records fill a pipe several times, so that no run is over before it is read."""
    return start_sandbox(learners=900, organisations=3)


CATALOG = ("--catalog", "catalog.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a catalog that asks for changes only: what is read in full keeps no bookmark to go wrong."""
    catalog = json.loads(run_tap(tmp_path, {"special_category_data": True}, "--discover").stdout)
    for stream in catalog["streams"]:
        if stream.get("replication_key"):
            stream["replication_method"] = "INCREMENTAL"
    (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    return tmp_path


def lines_of(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Read what a run writes, line by line; a part of a line is no line."""
    assert process.stdout
    for line in process.stdout:
        if line.endswith(b"\n"):
            yield line


def stopped_by(signum: signal.Signals) -> Callable[[Path, Sandbox, int], tuple[int, str, list[bytes]]]:
    """Make a way to cut a run short by a signal; the target reads on to the end."""

    def cut(folder: Path, sandbox: Sandbox, after: int) -> tuple[int, str, list[bytes]]:
        with start_tap(folder, config_for(sandbox, page_size=25), *CATALOG, stdout=subprocess.PIPE) as process:
            read = lines_of(process)
            lines = [next(read) for _ in range(after)]
            process.send_signal(signum)
            lines += read
            _, stderr = process.communicate(timeout=SOON)
        return process.returncode, stderr.decode(), lines

    return cut


def target_dies(folder: Path, sandbox: Sandbox, after: int) -> tuple[int, str, list[bytes]]:
    """Close the pipe; what was not read is lost."""
    with start_tap(folder, config_for(sandbox, page_size=25), *CATALOG, stdout=subprocess.PIPE) as process:
        assert process.stdout
        read = lines_of(process)
        lines = [next(read) for _ in range(after)]
        process.stdout.close()
        stderr = process.stderr.read() if process.stderr else b""
        process.wait(timeout=SOON)
    return process.returncode, stderr.decode(), lines


def disk_is_full(folder: Path, sandbox: Sandbox, after: int) -> tuple[int, str, list[bytes]]:
    """Let the file that the run writes to grow no further."""
    limit = after * 500

    def no_larger_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    config = config_for(sandbox, page_size=25)
    with (
        (folder / "out").open("wb") as out,
        # What it measures for the tests' coverage would find no room either, and be told last.
        start_tap(
            folder, config, *CATALOG, stdout=out, environ={"COVERAGE_PROCESS_CONFIG": ""}, before=no_larger_files
        ) as process,
    ):
        _, stderr = process.communicate(timeout=SOON)
    lines = (folder / "out").read_bytes().splitlines(keepends=True)
    return process.returncode, stderr.decode(), [line for line in lines if line.endswith(b"\n")]


WAYS: dict[str, tuple[Callable[[Path, Sandbox, int], tuple[int, str, list[bytes]]], int, str]] = {
    "SIGTERM": (stopped_by(signal.SIGTERM), 128 + signal.SIGTERM, "stopped by SIGTERM"),
    "SIGINT": (stopped_by(signal.SIGINT), 128 + signal.SIGINT, "stopped by SIGINT"),
    "SIGKILL": (stopped_by(signal.SIGKILL), -signal.SIGKILL, ""),
    "the target dies": (target_dies, 1, "closed the pipe"),
    "the disk is full": (disk_is_full, 1, "File too large"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.slow
def test_what_is_cut_short_does_not_look_finished_and_is_completed_by_the_next_run(
    folder: Path, onefile: Sandbox, way: str, moment: float
) -> None:
    whole = run_tap(folder, config_for(onefile, page_size=25), *CATALOG)
    truth = {key_of(message["stream"], message["record"]): message["record"] for message in records_of(whole)}
    cut, status, told = WAYS[way]
    target = Target()

    ended, stderr, lines = cut(folder, onefile, max(1, int(len(whole.messages) * moment)))
    target.load(Run(ended, b"".join(lines).decode(), stderr))

    assert ended == status, stderr
    assert told in stderr.rstrip().rsplit("\n", 1)[-1]
    assert "Traceback" not in stderr
    assert len(target.tables) < len(truth), "the run was over before it was cut short"
    (folder / "state.json").write_text(json.dumps(target.state or {}))
    completed = run_tap(folder, config_for(onefile, page_size=25), *CATALOG, "--state", "state.json")
    target.load(completed)
    assert completed.status == 0, completed.stderr
    assert target.tables == truth


def records_of(run: Run) -> list[dict[str, Any]]:
    """Give the messages that are records."""
    return [message for message in run.messages if message["type"] == "RECORD"]
