"""What the tests of the examples share: PostgreSQL, and Meltano projects that keep both tables and state in it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Fault, Sandbox
from tests.test_meltano import plugin_settings, rows_of, what_onefile_holds
from tools import ROOT
from tools.demo.pipeline import MELTANO, PLUGINS
from tools.demo.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tools.demo.postgres import Postgres

PATIENCE = 600
"""Seconds after which something counts as never going to happen."""
EXAMPLES = ROOT / "examples" / "schedules"
QUICK = {"calls_per_minute": "0", "pause": "0", "retries": "0"}
"""Settings of the examples for a sandbox that counts no calls."""


@dataclass(frozen=True)
class Place:
    """A customer, the database that it is loaded into, and the machines that do so."""

    folder: Path
    sandbox: Sandbox
    postgres: Postgres

    def worker(self, name: str) -> Path:
        """Give a machine of its own its copy of the Meltano project.

        Args:
            name: Distinguishes it from the others.
        """
        project = self.folder / name
        if not project.exists():
            project.mkdir()
            shutil.copy(ROOT / "meltano.yml", project)
            # As `meltano install` would have left them.
            for kind in ("extractors", "loaders", "utilities"):
                (project / ".meltano").mkdir(exist_ok=True)
                (project / ".meltano" / kind).symlink_to(PLUGINS / kind)
            left = shutil.ignore_patterns("target", "logs", "dbt_packages")
            shutil.copytree(ROOT / "examples" / "dbt", project / "examples" / "dbt", ignore=left)
        return project

    def environment(self, worker: str, **settings: str) -> dict[str, str]:
        """Give what the orchestrator hands on to the examples and to Meltano.

        Args:
            worker: The machine.
            settings: Settings of the examples.
        """
        foreign = ("AIRFLOW_", "DAGSTER_", "MELTANO_", "ONEFILE_", "TAP_ONEFILE_", "TARGET_")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            **plugin_settings(self.sandbox),
            "TARGET_POSTGRES_SQLALCHEMY_URL": self.postgres.sqlalchemy_url,
            "TARGET_POSTGRES_HOST": str(self.folder / "data"),
            "MELTANO_DATABASE_URI": self.postgres.sqlalchemy_url,
            # What is asked for then shows which state a run goes on from.
            "TAP_ONEFILE__METADATA": '{"learners": {"replication-method": "INCREMENTAL"}}',
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "NO_COLOR": "1",
            "ONEFILE_PROJECT": str(self.worker(worker)),
            "ONEFILE_MELTANO": str(MELTANO),
            **{f"ONEFILE_{name.upper()}": value for name, value in settings.items()},
        }

    def copy_of_the_example(self, name: str) -> Path:
        """Copy an example to where an orchestrator looks for it, as users do.

        Args:
            name: The orchestrator.

        Returns:
            The file.
        """
        folder = self.folder / f"{name}-code"
        folder.mkdir()
        for file in ("onefile_loads.py", f"onefile_{name}.py"):
            shutil.copy(EXAMPLES / file, folder)
        return folder / f"onefile_{name}.py"

    def assert_loaded(self, without: Collection[str] = ()) -> None:
        """Compare every row of what the sandbox holds now; what it has no longer stays in the tables.

        Args:
            without: Streams to leave out.
        """
        for stream, expected in what_onefile_holds(self.sandbox).items():
            if stream.name in without:
                continue
            found = rows_of(self.folder / "data", stream)
            missing = expected.keys() - found.keys()
            assert not missing, f"{stream.name}: {missing}"
            for key, record in expected.items():
                assert {name: found[key][name] for name in record} == record

    def assert_built(self) -> None:
        """See that the models hold the learners of the tables."""
        built, loaded = (
            self.postgres.query("SELECT count(*) FROM onefile.onefile_learners"),
            self.postgres.query("SELECT count(*) FROM learners"),
        )
        assert built == loaded > [(0,)]

    def organisations(self) -> list[int]:
        """Give the ids of the organisations."""
        return sorted(record["ID"] for record in self.sandbox.records("organisations"))

    def searches_for_learners(self, since: int = 0) -> list[tuple[int, bool]]:
        """Return whose learners were searched for, by organisation, and whether only for changes.

        Args:
            since: How many calls to leave out from the start.
        """
        bodies = [call.body for call in self.sandbox.calls[since:] if "User/Search" in call.route]
        return sorted({(body["OrganisationID"], "LastModified" in body) for body in bodies if body.get("Role") == 1})


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give a customer with two organisations and an empty database, or what is asked for."""
    options: dict[str, Any] = {
        "learners": 60,
        "organisations": 2,
        "seed": 7,
        "calls_per_minute": 0,
        **getattr(request, "param", {}),
    }
    # The path is short, as the socket of PostgreSQL is in it.
    folder = Path(tempfile.mkdtemp(prefix="tap-"))
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder)
        sandbox = running.enter_context(Sandbox(**options))
        yield Place(folder, sandbox, running.enter_context(postgres(folder / "data")))


def refused(organisation: int) -> Fault:
    """Make OneFile refuse one of an organisation's streams."""
    return Fault("status", status=403, match="Classroom/Search", where={"OrganisationID": organisation}, times=None)


def processes_in(folder: Path) -> list[str]:
    """Return the processes that have a folder as their working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder:
                found.append(process.name)
        except OSError:
            continue
    return found


def wait_until(happens: Callable[[], bool]) -> None:
    """Wait until something happens.

    Args:
        happens: Returns whether it has.
    """
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, "It never happened"
        time.sleep(0.5)
