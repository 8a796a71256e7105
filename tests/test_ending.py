"""However a run ends, it ends soon, says so, and what it has sent is whole."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from onefile_sandbox import Fault
from tests.running import TAP, clean_environment, config_for, run_tap, select, start_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

MUCH_OF_A_PIPE = 1 << 15
UNPAGED = "POST /User/Search"
NEVER_ANSWERED = Fault(kind="hang", match="POST /Placement/Search", times=None)
SOON = 20
"""Seconds that no ending may take, however slow the machine is; a pool of threads that is joined takes for ever."""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_does_not_look_like_a_finished_one(
    tmp_path: Path, sandbox: Sandbox, signum: signal.Signals
) -> None:
    sandbox.add_fault(NEVER_ANSWERED)
    with (
        (tmp_path / "out.jsonl").open("wb") as out,
        start_tap(tmp_path, config_for(sandbox, page_size=5), stdout=out) as process,
    ):
        sandbox.wait_for("Placement")
        assert process.poll() is None
        process.send_signal(signum)
        _, stderr = process.communicate(timeout=SOON)

    assert process.returncode == 128 + signum
    assert f"stopped by {signum.name}" in stderr.decode().rstrip().rsplit("\n", 1)[-1]
    assert b"Traceback" not in stderr
    for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines(keepends=True):
        assert line.endswith("\n")
        assert json.loads(line)["type"] in {"SCHEMA", "RECORD", "STATE"}


def test_a_closed_pipe_ends_the_run(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.world.add("organisations", Name="x" * 100_000)
    with start_tap(tmp_path, config_for(sandbox), stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.close()
        stderr = process.stderr.read() if process.stderr else b""
        process.wait(timeout=SOON)

    assert process.returncode == 1
    assert b"closed the pipe" in stderr.rstrip().rsplit(b"\n", 1)[-1]
    assert b"Traceback" not in stderr
    assert b"Exception ignored" not in stderr


def test_a_closed_pipe_ends_the_run_although_nothing_is_written(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(NEVER_ANSWERED)
    with start_tap(tmp_path, config_for(sandbox, page_size=5), stdout=subprocess.PIPE) as process:
        assert process.stdout
        # The last that is written before the wait for the first record of placements.
        assert any(b'"SCHEMA"' in line and b'"placements"' in line for line in process.stdout)
        process.stdout.close()
        process.wait(timeout=SOON)
        stderr = process.stderr.read() if process.stderr else b""

    assert process.returncode == 1
    assert b"closed the pipe" in stderr.rstrip().rsplit(b"\n", 1)[-1]


@pytest.mark.parametrize(
    "fault",
    [Fault(kind="hang", match=f"{UNPAGED}$", times=None), Fault(kind="status", status=429, match=f"{UNPAGED}$")],
)
def test_a_signal_ends_a_run_that_waits_for_what_was_not_planned(
    tmp_path: Path, start_sandbox: StartSandbox, fault: Fault
) -> None:
    # Whether a search that ends with a full page is at its end is asked elsewhere.
    sandbox = start_sandbox(learners=10, organisations=1)
    sandbox.add_fault(fault)
    arguments = select(tmp_path, "learners")
    with start_tap(tmp_path, config_for(sandbox, page_size=10, parallel_requests=1), *arguments) as process:
        sandbox.wait_for(f"{UNPAGED}$")
        assert process.poll() is None
        process.terminate()
        _, stderr = process.communicate(timeout=SOON)

    assert process.returncode == 128 + signal.SIGTERM
    assert b"stopped by SIGTERM" in stderr.rstrip().rsplit(b"\n", 1)[-1]


def test_a_test_that_is_told_to_stop_is_no_success(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=10, organisations=1, latency=0.2)
    with start_tap(tmp_path, config_for(sandbox), "--test") as process:
        # What a run costs is asked for last.
        sandbox.wait_for(f"{UNPAGED}$")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=SOON)

    assert process.returncode == 128 + signal.SIGINT
    assert b"stopped by SIGINT" in stderr.rstrip().rsplit(b"\n", 1)[-1]


def test_a_full_disk_ends_the_run(tmp_path: Path, sandbox: Sandbox) -> None:
    with (
        open("/dev/full", "wb") as full,  # noqa: PTH123 - a device, not a file
        start_tap(tmp_path, config_for(sandbox), stdout=full) as process,
    ):
        _, stderr = process.communicate(timeout=SOON * 3)

    assert process.returncode == 1
    assert b"No space left on device" in stderr.rstrip().rsplit(b"\n", 1)[-1]
    assert b"Traceback" not in stderr


def test_a_run_is_ended_by_a_signal_although_its_target_reads_no_more(tmp_path: Path, sandbox: Sandbox) -> None:
    # Of all records, those of assessors are sent first.
    for assessor in sandbox.records("assessors"):
        sandbox.world.change("assessors", assessor["ID"], CompanyName="x" * 1_000_000)
    with start_tap(tmp_path, config_for(sandbox), stdout=subprocess.PIPE) as process:
        assert process.stdout
        # The rest of the long name finds no room.
        assert len(process.stdout.read(MUCH_OF_A_PIPE)) == MUCH_OF_A_PIPE
        assert process.poll() is None
        process.terminate()
        assert process.wait(SOON) == 128 + signal.SIGTERM
        told = process.stderr.read().decode() if process.stderr else ""

    last = told.rstrip().rsplit("\n", 1)[-1]
    assert "stopped by SIGTERM before it was finished" in last
    assert "did not read all of it" in last


@pytest.mark.parametrize("option", [[], ["--test"]], ids=["run", "test"])
def test_a_signal_that_comes_while_the_run_is_being_prepared_is_no_success(
    tmp_path: Path, sandbox: Sandbox, option: list[str]
) -> None:
    early = """
import gc, os, signal
from tap_onefile.__main__ import main
from tap_onefile.tap import TapOneFile

discover = TapOneFile.discover_streams

def discover_and_be_stopped(tap):
    assert gc.isenabled()
    os.kill(os.getpid(), signal.SIGTERM)
    return discover(tap)

TapOneFile.discover_streams = discover_and_be_stopped
main()
"""
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox)))
    ended = subprocess.run(
        [sys.executable, "-c", early, "--config", "config.json", *option],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SOON * 3,
    )

    assert ended.returncode == 128 + signal.SIGTERM
    assert "stopped by SIGTERM" in ended.stderr.rstrip().rsplit("\n", 1)[-1]


def test_no_standard_output_at_all_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox)))
    command = f"{shlex.join([*TAP, '--config', 'config.json'])} >&-"
    ended = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        check=False,
        timeout=SOON * 3,
    )

    assert ended.returncode == 1
    assert b"There is no standard output" in ended.stderr.rstrip().rsplit(b"\n", 1)[-1]


def test_nothing_is_told_after_the_sentence_although_other_calls_are_under_way() -> None:
    late = """
import logging, threading
from tap_onefile import __main__ as command

logging.basicConfig(level="INFO")
client = logging.getLogger("tap-onefile.client")
warn = client.makeRecord(client.name, logging.WARNING, "", 0, "too late", (), None)
try:
    command._fail("The sentence.")
finally:
    client.warning("too late")
    # Has found out before that warnings are wanted.
    threading.Thread(target=client.handle, args=(warn,), daemon=True).start()
"""
    ended = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True, check=False, timeout=SOON)

    assert ended.returncode == 1
    assert ended.stderr.endswith("The sentence.\n")


def test_what_is_redirected_keeps_no_other_record_from_coming_in_its_order(tmp_path: Path, sandbox: Sandbox) -> None:
    whole = run_tap(tmp_path, config_for(sandbox))
    sandbox.add_fault(Fault(kind="redirect", match="POST /Classroom/Search", times=None))

    run = run_tap(tmp_path, config_for(sandbox))

    assert run.status == 1
    sent = [(message["stream"], message["record"]) for message in run.messages if message["type"] == "RECORD"]
    expected = [(message["stream"], message["record"]) for message in whole.messages if message["type"] == "RECORD"]
    assert sent == [each for each in expected if each[0] != "classrooms"]
    assert len(sent) < len(expected)
