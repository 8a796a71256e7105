"""People see that a long run is alive: on a terminal, in a log, and at its end."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tap_onefile.heartbeat import sign_of_life
from tap_onefile.statistics import Statistics
from tests.running import TAP, clean_environment, config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox


def on_a_terminal(folder: Path, sandbox: Sandbox, **environ: str) -> str:
    """Run the tap with a terminal for its stderr, and give what it shows there."""
    (folder / "config.json").write_text(json.dumps(config_for(sandbox, parallel_requests=1)))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*TAP, "--config", "config.json"],
        cwd=folder,
        env={**clean_environment(), "TERM": "xterm", **environ},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                chunk = os.read(ours, 1 << 16)
            except OSError:
                # What reading from a terminal raises when its other side is closed.
                break
            if not chunk:
                break
            shown += chunk
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    return shown.decode()


def test_a_terminal_shows_a_line_that_is_written_over(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    # Twenty calls one after the other take long enough for more than one sign of life.
    shown = on_a_terminal(tmp_path, start_sandbox(latency=0.08))

    signs = re.findall(r"\r\x1b\[K([^\r\n]*)\r", shown)
    assert any(
        re.search(r"\d+ records · \d+ calls · \d+ calls a minute · \d of 2 organisations", sign) for sign in signs
    )
    assert signs[-1] == ""


def test_a_terminal_that_can_do_nothing_is_spared(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    assert "\x1b" not in on_a_terminal(tmp_path, start_sandbox(latency=0.08), TERM="dumb")


def test_the_end_has_a_line_for_each_stream_and_one_for_all(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox))

    counted = re.search(r"learners: (\d+) records, (\d+) calls, 0 repeated", run.stderr)
    assert counted
    assert int(counted[1]) == len(sandbox.records("learners"))
    total = re.search(r"all streams: (\d+) records, (\d+) calls", run.stderr)
    assert total
    assert int(total[1]) == sum(map(len, run.records.values()))
    assert int(total[2]) == len(sandbox.calls)
    assert "\x1b" not in run.stderr
    assert "METRIC" in run.stderr


@pytest.mark.parametrize(("done", "left"), [(0, ""), (1, "about 3 min left"), (4, "")])
def test_the_time_left_is_told_where_it_can_be_known(done: int, left: str) -> None:
    now = 0.0
    statistics = Statistics(clock=lambda: now)
    statistics.organisations, statistics.organisations_done = [1, 2, 3, 4], done
    statistics.of("learners").add_call(0.0)
    now = 60.0

    line = sign_of_life(statistics, 300)

    assert "1 calls · 1 calls a minute of 300" in line
    assert (left in line) if left else ("left" not in line)
