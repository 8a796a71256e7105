"""What a person sees who runs the tap in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import TAP, clean_environment, config_for, start_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

_ERASER = "\r\x1b[K"
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def on_a_terminal(
    folder: Path, config: dict[str, Any], *arguments: str, columns: int = 80, status: int = 0, **environ: str
) -> str:
    """Run the tap with a terminal for its stderr, and give what is sent there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with start_tap(folder, config, *arguments, stderr=theirs, environ={"TERM": "xterm", **environ}) as process:
        os.close(theirs)
        sent = bytearray()
        while True:
            try:
                chunk = os.read(ours, 1 << 16)
            except OSError:
                # What reading from a terminal raises when its other side is closed.
                break
            if not chunk:
                break
            sent += chunk
        process.wait()
    os.close(ours)
    assert process.returncode == status, sent.decode()
    return sent.decode()


def left_on_the_screen(sent: str) -> list[str]:
    """Give the lines that a terminal shows when all is over."""
    lines = _COLOUR.sub("", sent).replace("\r\n", "\n").split("\n")
    return [line.rpartition(_ERASER)[2].rstrip("\r") for line in lines]


@pytest.mark.parametrize("columns", [80, 120])
def test_a_run_shows_a_line_that_is_written_over_and_a_table(
    tmp_path: Path, start_sandbox: StartSandbox, columns: int
) -> None:
    sandbox = start_sandbox(latency=0.08)

    sent = on_a_terminal(tmp_path, config_for(sandbox), columns=columns)

    signs = [sign for sign in re.findall(r"\r\x1b\[K([^\r\n]*)\r(?!\n)", sent) if sign]
    assert any(re.search(r"\d+ records · \d+ calls · \d+ calls a minute · \d of 2 organisations", it) for it in signs)
    assert max(map(len, signs)) < columns
    screen = left_on_the_screen(sent)
    assert not set(signs) & set(screen)
    assert max(map(len, screen)) < columns
    learners = next(line.split() for line in screen if line.startswith("learners "))
    assert int(learners[1].replace(",", "")) == len(sandbox.records("learners"))
    assert screen[-3].startswith("all streams ")
    assert int(screen[-3].split()[3]) == len(sandbox.calls)
    assert "METRIC" not in sent
    assert "Skipping" not in sent


def test_a_line_as_wide_as_the_terminal_is_not_cut_in_a_word(tmp_path: Path, sandbox: Sandbox) -> None:
    names = [organisation["Name"] for organisation in sandbox.records("organisations")]

    screen = left_on_the_screen(on_a_terminal(tmp_path, config_for(sandbox), "--test", columns=50))

    assert max(map(len, screen)) < 50
    told = " ".join(line.strip() for line in screen)
    assert all(name in told for name in names)


def test_a_terminal_that_can_do_nothing_is_spared(tmp_path: Path, sandbox: Sandbox) -> None:
    sent = on_a_terminal(tmp_path, config_for(sandbox), TERM="dumb")

    assert "\x1b" not in sent
    assert "\nall streams " in sent


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_an_error_stands_out_and_comes_last(tmp_path: Path, sandbox: Sandbox, no_colour: str) -> None:
    config = config_for(sandbox) | {"customer_token": ""}

    sent = on_a_terminal(tmp_path, config, status=1, NO_COLOR=no_colour)

    last = sent.rstrip().rpartition(_ERASER)[2]
    assert last.startswith("\x1b[1;31m") is not bool(no_colour)
    assert bool(_COLOUR.search(sent)) is not bool(no_colour)
    assert re.match(r"\d\d:\d\d:\d\d  Error: The setting customer_token ", _COLOUR.sub("", last))


def test_the_log_in_full_can_be_had_in_a_terminal(tmp_path: Path, sandbox: Sandbox) -> None:
    sent = on_a_terminal(tmp_path, config_for(sandbox), TAP_ONEFILE_LOGLEVEL="DEBUG")

    assert "METRIC" in sent
    assert re.search(r"\| INFO +\| tap-onefile +\| SUMMARY: ", sent)


def test_the_help_can_be_followed() -> None:
    text = subprocess.run([*TAP, "--help"], capture_output=True, check=True, text=True, env=clean_environment()).stdout
    examples = [line.split() for line in text.splitlines() if line.startswith("    tap-onefile ")]

    assert len(examples) >= 4
    for words in examples:
        options = [word for word in words if word.startswith("--")]
        assert all(f"\n  {option} " in text for option in options)


def test_records_are_not_written_to_a_terminal(tmp_path: Path, sandbox: Sandbox) -> None:
    ours, theirs = pty.openpty()
    with start_tap(tmp_path, config_for(sandbox), stdout=theirs) as process:
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == 1
    assert b"Nothing takes the records, which would appear on the screen: pipe the tap into a target" in stderr
    assert not select.select([ours], [], [], 0)[0]
    os.close(ours)
    os.close(theirs)
