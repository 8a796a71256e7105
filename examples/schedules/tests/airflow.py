"""A real Airflow, with its scheduler and its own database, for as long as a test needs it."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from examples.schedules.tests.conftest import wait_until
from tools import ROOT
from tools.demo.processes import running

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

BIN = ROOT / ".venvs" / "schedule-airflow" / "bin"


class Airflow:
    """An Airflow that is running, and one of its DAGs."""

    def __init__(self, address: str, dag: str) -> None:
        self._address = f"{address}/api/v2/dags"
        self._dag = dag
        self.run = ""

    def is_ready(self) -> bool:
        """Return whether it is up and has found the DAG."""
        with suppress(URLError, ConnectionError, TimeoutError):
            return any(each["dag_id"] == self._dag for each in self._ask("GET", "")["dags"])
        return False

    def unpause(self) -> None:
        """Let the DAG run."""
        self._ask("PATCH", f"/{self._dag}", {"is_paused": False})

    def start(self) -> None:
        """Start a run of the DAG."""
        self.run = self._ask("POST", f"/{self._dag}/dagRuns", {"logical_date": None})["dag_run_id"]

    def repeat_what_failed(self) -> None:
        """Do what the button Clear does, for the tasks that failed."""
        self._ask(
            "POST",
            f"/{self._dag}/clearTaskInstances",
            {"dry_run": False, "only_failed": True, "dag_run_id": self.run, "reset_dag_runs": True},
        )

    def kill(self) -> None:
        """Do what the button Mark as failed does."""
        self._ask("PATCH", f"/{self._dag}/dagRuns/{self.run}", {"state": "failed"})

    def end(self) -> str:
        """Wait for the end of the run.

        Returns:
            Its state.
        """
        wait_until(lambda: self._state() not in {"queued", "running"})
        return self._state()

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return the tasks of the run by name; loads by the name of the load."""
        path = f"/{self._dag}/dagRuns/{self.run}/taskInstances"
        return {
            each["rendered_map_index"] or each["task_id"]: each for each in self._ask("GET", path)["task_instances"]
        }

    def _state(self) -> str:
        state: str = self._ask("GET", f"/{self._dag}/dagRuns/{self.run}")["state"]
        return state

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - its answer
        request = Request(  # noqa: S310 - an address of our own
            self._address + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            return json.load(answer)


@contextmanager
def airflow(folder: Path, example: Path, dag: str, environment: Mapping[str, str]) -> Generator[Airflow]:
    """Run Airflow.

    Args:
        folder: Where it keeps its files.
        example: The file of the DAG, in a folder of its own.
        dag: The DAG.
        environment: The variables that it passes to the tasks.

    Yields:
        It, with the DAG unpaused.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": address.rpartition(":")[2],
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_FOLDER": str(example.parent),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PATH": f"{BIN}:{environment['PATH']}",
    }
    folder.mkdir()
    with running([BIN / "airflow", "standalone"], log=folder / "log", env={**environment, **settings}):
        here = Airflow(address, dag)
        wait_until(here.is_ready)
        here.unpause()
        yield here
