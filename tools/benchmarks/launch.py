"""Runs one command and says what it took. Usage: launch.py REPORT SECONDS OUTPUT ERRORS COMMAND...

A process of its own, and a small one: what a process is told about the memory of its children begins with the memory
of the process that started them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path


def main(report: str, seconds: str, output: str, errors: str, *command: str) -> None:
    """Run the command, and write the report as JSON.

    Processor time is that of the command and of all processes that it started and waited for. Memory is that of the
    largest of them.
    """
    redirected = [
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
    ]
    started = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=redirected, setpgroup=0)
    timer = threading.Timer(float(seconds), _end, (process,))
    timer.daemon = True
    timer.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter() - started
    finally:
        timer.cancel()
        _end(process)
    kilobyte = 1 if sys.platform == "darwin" else 1024
    told = {
        "status": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss * kilobyte,
    }
    Path(report).write_text(json.dumps(told), encoding="utf-8")


def _end(process: int) -> None:
    """End what is left of the command and of all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
