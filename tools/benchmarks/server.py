"""OneFile's stand-in, as a process of its own, and what it holds."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tools import CORE_STREAMS
from tools.benchmarks.checking import Tally

if TYPE_CHECKING:
    from collections.abc import Generator

    from tools.benchmarks.workloads import Situation, Workload

_READY_SECONDS = 30


class Server:
    """A sandbox that is serving.

    Args:
        ready: What the sandbox wrote when it was ready.
        expected: What a perfect reader gets, stream by stream.
    """

    def __init__(self, ready: dict[str, str], expected: dict[str, Tally]) -> None:
        self.api_url = ready["api_url"]
        self.customer_token = ready["customer_token"]
        self.expected = expected
        self._control_url = ready["control_url"]

    def calls(self) -> list[dict[str, Any]]:
        """Give every call since the start, in order."""
        with urllib.request.urlopen(f"{self._control_url}/calls", timeout=_READY_SECONDS) as answer:  # noqa: S310
            calls: list[dict[str, Any]] = json.load(answer)
        return calls


@contextmanager
def serving(situation: Situation) -> Generator[Server]:
    """Serve one customer for as long as it takes.

    What is expected is worked out beside the server, and before anything is measured.
    """
    workload = situation.workload
    paged = [stream for stream in CORE_STREAMS if stream != "customers"]
    command = [sys.executable, "-m", "onefile_sandbox", *_size(workload), "--warm", *paged]
    command += ["--calls-per-minute", str(situation.calls_per_minute)]
    command += ["--latency", str(situation.latency_ms / 1000)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sandbox,
    ):
        try:
            expected = _expected(workload)
            line = sandbox.stdout.readline() if sandbox.stdout else ""
            if not line:
                raise RuntimeError("the sandbox did not start")
            yield Server(json.loads(line), expected)
        finally:
            sandbox.terminate()


def _expected(workload: Workload) -> dict[str, Tally]:
    # In a process of its own, so that a million rows do not stay in this one.
    command = [sys.executable, "-m", "tools.benchmarks.reference", *_size(workload)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    tallies: dict[str, dict[str, Any]] = json.loads(finished.stdout)
    return {stream: Tally(**tally) for stream, tally in tallies.items()}


def _size(workload: Workload) -> list[str]:
    return ["--learners", str(workload.learners), "--organisations", str(workload.organisations)]
