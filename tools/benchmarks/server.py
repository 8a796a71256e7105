"""OneFile's stand-in, as a process of its own, and what it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from tools import CORE_STREAMS
from tools.benchmarks.checking import Tally
from tools.benchmarks.reference import tallied

if TYPE_CHECKING:
    from collections.abc import Generator

    from tools.benchmarks.workloads import Situation, Workload

_READY_SECONDS = 60
_CHANGED = 20
"""One in so many learners changes."""
_SEARCHED: dict[str, tuple[str, dict[str, int]]] = {
    "organisations": ("Organisation", {}),
    "assessors": ("User", {"Role": 5}),
    "learners": ("User", {"Role": 1}),
    "classrooms": ("Classroom", {}),
    "placements": ("Placement", {}),
}


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
        calls: list[dict[str, Any]] = self._ask("calls")
        return calls

    def change(self, number: int) -> None:
        """Change one in twenty learners, and what is expected with them.

        Args:
            number: Another one each time.
        """
        fields = {"LastName": f"Changed{number}", "Progress": number + 0.25}
        ids = [row["ID"] for row in self._ask("records/learners")][::_CHANGED]
        self._ask("change", [{"stream": "learners", "id": learner, "fields": fields} for learner in ids])
        self.expected = {stream: tallied(self._ask(f"records/{stream}")) for stream in CORE_STREAMS}

    def slow_down(self, milliseconds: float, organisations: int) -> None:
        """Let each row of a search without pages take its time.

        Args:
            milliseconds: How long.
            organisations: How many the rows are spread over.
        """
        for stream, (entity, where) in _SEARCHED.items():
            rows = self.expected[stream].records / (1 if stream == "organisations" else organisations)
            match = f"POST /{entity}/Search$"
            slow = {"kind": "slow", "match": match, "where": where, "times": None}
            self._ask("faults", {**slow, "seconds": rows * milliseconds / 1000})

    def _ask(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever the sandbox says
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self._control_url}/{path}", data)  # noqa: S310 - the sandbox's own address
        with urlopen(request, timeout=_READY_SECONDS) as answer:  # noqa: S310 - the same
            content = answer.read()
        return json.loads(content) if content else None


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
    behaviour = [word for setting in situation.behaviour for word in ("--behaviour", setting)]
    with (
        subprocess.Popen(
            [*command, *behaviour], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as sandbox,
    ):
        try:
            expected = _expected(workload, behaviour)
            line = sandbox.stdout.readline() if sandbox.stdout else ""
            if not line:
                raise RuntimeError("the sandbox did not start")
            server = Server(json.loads(line), expected)
            if situation.unpaged_ms:
                server.slow_down(situation.unpaged_ms, workload.organisations)
            yield server
        finally:
            sandbox.terminate()


def _expected(workload: Workload, behaviour: list[str]) -> dict[str, Tally]:
    # In a process of its own, so that a million rows do not stay in this one.
    command = [sys.executable, "-m", "tools.benchmarks.reference", *_size(workload), *behaviour]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    tallies: dict[str, dict[str, Any]] = json.loads(finished.stdout)
    return {stream: Tally(**tally) for stream, tally in tallies.items()}


def _size(workload: Workload) -> list[str]:
    return ["--learners", str(workload.learners), "--organisations", str(workload.organisations)]
