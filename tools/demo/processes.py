"""Processes that end when their work or the demo does, with all that they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tools.demo import interruption

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 5.0
"""Seconds that a process has for ending in good order."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    stdout: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Generator[subprocess.Popen[str]]:
    """Have a command running, its output in the log, in a group of its own.

    Args:
        command: What to run.
        log: Where its stderr goes, and its stdout too unless that goes elsewhere.
        stdout: Where its stdout goes, as for `subprocess`.
        env: Its environment, if not that of the demo.
        cwd: Its working directory, if not that of the demo.

    Yields:
        The process.
    """
    interruption.check()
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=env,
            cwd=cwd,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def run(command: Sequence[str | Path], **options: Any) -> int:  # noqa: ANN401 - those of `running`
    """Run a command to its end.

    Args:
        command: What to run.
        **options: As for `running`.

    Returns:
        Its exit status.

    Raises:
        Interrupted: The user did not want to wait.
    """
    with running(command, **options) as process:
        while process.poll() is None:
            interruption.check()
            time.sleep(0.05)
        return process.returncode


def _end(process: subprocess.Popen[str]) -> None:
    # To the group, even if its leader is gone: what it has started must not outlive the demo.
    _signal_group(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    _signal_group(process, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group that has just gone
        os.killpg(process.pid, number)
