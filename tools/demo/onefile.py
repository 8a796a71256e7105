"""The sandbox that stands in for OneFile."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from tools.demo.errors import ProcessError
from tools.demo.processes import running

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@dataclass(frozen=True)
class OneFile:
    """A sandbox that is running."""

    api_url: str
    customer_token: str
    control_url: str

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Ask for every record that the sandbox holds of a stream."""
        records: list[dict[str, Any]] = self._ask(f"records/{stream}")
        return records

    def calls(self) -> int:
        """Ask how many calls have been made so far."""
        return len(self._ask("calls"))

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - whatever the sandbox says
        with urlopen(f"{self.control_url}/{path}", timeout=60) as answer:  # noqa: S310 - the sandbox's own address
            return json.load(answer)


@contextmanager
def onefile(*, learners: int, organisations: int, log: Path, today: datetime | None = None) -> Generator[OneFile]:
    """Have a sandbox running, which lets in as many calls as come.

    Args:
        learners: How many learners it invents.
        organisations: How many organisations they belong to.
        log: Where its messages go.
        today: The moment at which its customer begins, if not now.

    Yields:
        The sandbox.

    Raises:
        ProcessError: It did not start.
    """
    command = [sys.executable, "-m", "onefile_sandbox", "--port", "0", "--seed", "7"]
    command += ["--learners", str(learners), "--organisations", str(organisations), "--calls-per-minute", "0"]
    with running(
        [*command, "--today", (today or datetime.now(UTC)).isoformat(timespec="seconds")],
        log=log,
        stdout=subprocess.PIPE,
    ) as process:
        # One line when it is ready; an empty string if it ends before, so this cannot wait for ever.
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            raise ProcessError("The sandbox did not start.")
        yield OneFile(**{name: value for name, value in json.loads(ready).items() if name in OneFile.__annotations__})
