"""Databases that real loaders load into, and real dbt in them."""

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from psycopg.rows import dict_row
from typing_extensions import override

from tests.odd_learners import TODAY
from tests.running import TAP, as_environment, clean_environment, config_for
from tools import ROOT
from tools.demo.pipeline import PLUGINS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartPostgres

    Row = dict[str, Any]
    Answers = dict[str, list[Row]]

PACKAGE = ROOT / "examples" / "dbt"
DBT = ROOT / ".venvs" / "dbt" / "bin" / "dbt"
TO_POSTGRES = PLUGINS / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
TO_DUCKDB = ROOT / ".venvs" / "target-duckdb" / "bin" / "target-duckdb"
MARTS: list[Row] = yaml.safe_load((PACKAGE / "models" / "marts" / "marts.yml").read_text(encoding="utf-8"))["models"]


def read(folder: Path, sandbox: Sandbox, *arguments: str, **settings: object) -> bytes:
    """Let the tap read, and give what it writes."""
    config = config_for(sandbox, **settings)
    environment = {
        **clean_environment(),
        **as_environment(config),
    }
    tap = subprocess.run(
        [*TAP, "--config=ENV", *arguments], cwd=folder, env=environment, capture_output=True, check=True, timeout=120
    )
    return tap.stdout


@dataclass
class Warehouse(ABC):
    """A database that a loader loads into."""

    folder: Path

    kind = ""

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What dbt needs to find it."""

    @abstractmethod
    def load(self, singer: bytes, schema: str) -> None:
        """Load what the tap wrote."""

    @abstractmethod
    def ask(self, *queries: str) -> list[list[Row]]:
        """Run queries, and give the rows of each, with what JSON has."""

    def answers(self, *marts: str) -> Answers:
        """Give some marts, or all."""
        names = marts or [mart["name"] for mart in MARTS]
        rows = self.ask(*(f"SELECT * FROM onefile.{name}" for name in names))  # noqa: S608 - the names are the test's own
        return dict(zip(names, rows, strict=True))

    def make_mis(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Make a table of the MIS's learners."""
        values = ", ".join(f"({', '.join(_literal(value) for value in row)})" for row in rows)
        self.ask(
            "CREATE SCHEMA mis",
            "CREATE TABLE mis.learners (misid text, uln text, email text, name text)",
            f"INSERT INTO mis.learners VALUES {values}",  # noqa: S608 - the names are the test's own
        )

    @abstractmethod
    def make_gone(self, learners: list[int], schema: str) -> None:
        """Have it look as if the last run had not found some learners again."""


class PostgresWarehouse(Warehouse):
    """PostgreSQL, loaded as meltano.yml has it."""

    kind = "postgres"

    @property
    @override
    def environment(self) -> dict[str, str]:
        return {"TARGET_POSTGRES_HOST": str(self.folder / "data")}

    @override
    def load(self, singer: bytes, schema: str) -> None:
        config = self.folder / "to-postgres.json"
        url = f"postgresql+psycopg://postgres:@/postgres?host={self.folder / 'data'}"
        config.write_text(
            json.dumps(
                {"sqlalchemy_url": url, "default_target_schema": schema, "validate_records": False, "use_copy": True}
            )
        )
        _load([str(TO_POSTGRES), "--config", str(config)], singer)

    @override
    def ask(self, *queries: str) -> list[list[Row]]:
        found = []
        with psycopg.connect(f"host={self.folder / 'data'} user=postgres dbname=postgres") as connection:
            for query in queries:
                cursor = connection.cursor(row_factory=dict_row).execute(query.encode())
                found.append([] if cursor.description is None else cursor.fetchall())
        return [[{name: as_json(value) for name, value in row.items()} for row in rows] for rows in found]

    @override
    def make_gone(self, learners: list[int], schema: str) -> None:
        ids = ", ".join(map(str, learners))
        self.ask(
            f"UPDATE {schema}.learners SET _sdc_sync_started_at = _sdc_sync_started_at - 1,"  # noqa: S608 - the names are the test's own
            f" _sdc_batched_at = TIMESTAMP '2025-08-24 23:30:00' WHERE \"ID\" IN ({ids})"
        )


class DuckDBWarehouse(Warehouse):
    """DuckDB, loaded by target-duckdb, which writes names in lower case."""

    kind = "duckdb"

    @property
    @override
    def environment(self) -> dict[str, str]:
        return {"TARGET_DUCKDB_FILEPATH": str(self.folder / "loaded.duckdb")}

    @override
    def load(self, singer: bytes, schema: str) -> None:
        config = self.folder / "to-duckdb.json"
        settings = {"filepath": str(self.folder / "loaded.duckdb"), "default_target_schema": schema}
        config.write_text(json.dumps({**settings, "add_metadata_columns": True}))
        _load([str(TO_DUCKDB), "--config", str(config)], singer)

    @override
    def ask(self, *queries: str) -> list[list[Row]]:
        script = (
            "import decimal, duckdb, json, sys\n"
            "plain = lambda value: float(value) if isinstance(value, decimal.Decimal) else str(value)\n"
            "connection, found = duckdb.connect(sys.argv[1]), []\n"
            "for query in json.load(sys.stdin):\n"
            "    cursor = connection.execute(query)\n"
            "    names = [each[0] for each in cursor.description]\n"
            "    found.append([dict(zip(names, row)) for row in cursor.fetchall()])\n"
            "print(json.dumps(found, default=plain))"
        )
        command = [str(DBT.with_name("python")), "-c", script, str(self.folder / "loaded.duckdb")]
        asked = subprocess.run(command, input=json.dumps(queries).encode(), capture_output=True, check=True, timeout=60)
        rows: list[list[Row]] = json.loads(asked.stdout)
        return rows

    @override
    def make_gone(self, learners: list[int], schema: str) -> None:
        ids = ", ".join(map(str, learners))
        self.ask(f"UPDATE {schema}.learners SET _sdc_batched_at = TIMESTAMP '2025-08-24 23:30:00' WHERE id IN ({ids})")  # noqa: S608 - the names are the test's own


@contextmanager
def _postgres(folder: Path, start_postgres: StartPostgres) -> Generator[Warehouse]:
    with start_postgres(folder / "data"):
        yield PostgresWarehouse(folder)


@contextmanager
def _duckdb(folder: Path, _: StartPostgres) -> Generator[Warehouse]:
    yield DuckDBWarehouse(folder)


WAREHOUSES = {"postgres": _postgres, "duckdb": _duckdb}


def _load(command: list[str], singer: bytes) -> None:
    subprocess.run(command, input=singer, env=clean_environment(), check=True, timeout=120, capture_output=True)


def dbt(warehouse: Warehouse, *arguments: str, project: Path = PACKAGE, **variables: object) -> str:
    """Run dbt as users do, with a day that is today.

    Raises:
        AssertionError: It failed.
    """
    command = [
        str(DBT), *arguments, "--project-dir", str(project), "--target", warehouse.kind,
        "--vars", json.dumps({"onefile_today": TODAY.isoformat(), **variables}),
    ]  # fmt: skip
    environment = {
        **clean_environment(),
        **warehouse.environment,
        "DBT_PROFILES_DIR": str(PACKAGE),
        "DBT_TARGET_PATH": str(warehouse.folder / "dbt"),
        "DBT_LOG_PATH": str(warehouse.folder / "dbt"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "NO_COLOR": "1",
    }
    run = subprocess.run(
        command, env=environment, cwd=warehouse.folder, capture_output=True, text=True, check=False, timeout=200
    )
    assert run.returncode == 0, "\n".join(line for line in run.stdout.splitlines() if "PASS" not in line)[-6000:]
    return run.stdout


def _literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def as_json(value: object) -> object:
    """Give what JSON has for a value."""
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, (date, datetime)) else value
