"""What Windows lacks or does otherwise, as far as it can be imitated here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.running import Run, clean_environment, config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

LACKS = """
import errno, io, select, signal, sys
class Pipe(io.FileIO):
    def write(self, data):
        try:
            return super().write(data)
        except BrokenPipeError:
            raise OSError(errno.EINVAL, "Invalid argument") from None
sys.stdout = io.TextIOWrapper(io.BufferedWriter(Pipe(1, "w", closefd=False)), encoding="utf-8")
vars(select).pop("poll", None)
vars(signal).pop("pthread_sigmask", None)
sys.modules["resource"] = None
from tap_onefile.__main__ import main
main()
"""
BEYOND = "Llŷn Ōtaki 学校"


def _run(folder: Path, *arguments: str, code: str = "", **environment: str) -> tuple[int, bytes, bytes]:
    start = ["-c", code] if code else ["-m", "tap_onefile"]
    run = subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=folder,
        env={**clean_environment(), **environment},
        capture_output=True,
        check=False,
        timeout=60,
    )
    return run.returncode, run.stdout, run.stderr


def test_a_run_needs_nothing_that_only_unix_has(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox)), encoding="utf-8")

    status, stdout, stderr = _run(tmp_path, "--config", "config.json", code=LACKS)

    assert status == 0, stderr.decode()
    run = Run(status, stdout.decode(), stderr.decode())
    assert len(run.records["learners"]) == len(sandbox.records("learners"))


def test_a_target_that_has_gone_is_noticed_as_windows_reports_it(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=2000)
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox)), encoding="utf-8")
    command = [sys.executable, "-c", LACKS, "--config", "config.json"]
    ours, theirs = os.pipe()
    os.close(ours)

    try:
        run = subprocess.run(
            command,
            cwd=tmp_path,
            env=clean_environment(),
            stdout=theirs,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(theirs)

    assert run.returncode == 1
    assert b"The target closed the pipe" in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "ascii"])
def test_a_console_that_cannot_show_a_name_shows_the_rest_and_records_stay_utf_8(
    tmp_path: Path, start_sandbox: StartSandbox, encoding: str
) -> None:
    sandbox = start_sandbox(learners=5, organisations=1)
    (organisation,) = sandbox.world.ids("organisations")
    sandbox.world.change("organisations", organisation, Name=BEYOND)
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox)), encoding="utf-8")

    status, _, told = _run(tmp_path, "--config", "config.json", "--test", PYTHONIOENCODING=encoding)
    assert status == 0, told
    assert b"Ll" in told

    status, stdout, told = _run(tmp_path, "--config", "config.json", PYTHONIOENCODING=encoding)
    assert status == 0, told
    (record,) = Run(status, stdout.decode("utf-8"), "").records["organisations"]
    assert record["Name"] == BEYOND


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("option", ["--help", "--about", "--about=markdown", "--discover", "--check-api"])
def test_whatever_is_printed_fits_any_console(tmp_path: Path, sandbox: Sandbox, encoding: str, option: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox)), encoding="utf-8")
    arguments = ["--about", "--format", "markdown"] if option == "--about=markdown" else [option]
    settings = [] if option in {"--help", "--about", "--about=markdown"} else ["--config", "config.json"]

    status, stdout, stderr = _run(tmp_path, *settings, *arguments, PYTHONIOENCODING=encoding)

    assert status == 0, stderr
    assert stdout
    assert b"Traceback" not in stderr


@pytest.mark.parametrize("folder", ["with a space", "Users\\Siân", "学校"])
def test_a_path_may_hold_what_paths_of_windows_hold(tmp_path: Path, sandbox: Sandbox, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    contents = {"config": config_for(sandbox), "state": {"bookmarks": {}}}
    for name, content in contents.items():
        (tmp_path / folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / folder / "wrong.json").write_text("{'a': 1}", encoding="utf-8")

    run = run_tap(tmp_path, None, *(part for name in contents for part in (f"--{name}", f"{folder}/{name}.json")))
    failed = run_tap(tmp_path, None, "--config", f"{folder}/wrong.json")

    assert run.status == 0, run.stderr
    assert run.records["learners"]
    assert failed.status == 1
    assert f"{folder}/wrong.json is not valid JSON" in failed.last_line
