"""The loaders to try: how each is told where to put what it gets, and how that is read again."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tools import ROOT
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Row = dict[str, Any]
    Reader = Callable[["Loader", Path, str], Iterator[Row]]

VENVS = ROOT / ".venvs"
POSTGRES = "postgresql"
"""Stands for the address of the PostgreSQL that runs while the loaders are tried."""
FOLDER = "folder"
"""Stands for the folder that a loader may write to."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Loader:
    """A loader, and one way to set it up.

    Attributes:
        label: What it loads into.
        environment: The name of its lock in requirements, and of its environment.
        command: Its executable.
        package: Its name in the package index.
        config: Its settings, in which FOLDER and POSTGRES are filled in.
        read: Gives the rows of a stream.
        updates: Whether a second load replaces the records of the first by their keys.
    """

    label: str
    environment: str
    command: str
    package: str
    config: dict[str, Any]
    read: Reader
    updates: bool = False

    @property
    def binaries(self) -> Path:
        """Where its programs are."""
        return VENVS / self.environment / "bin"


def _json_lines(_: Loader, folder: Path, stream: str) -> Iterator[Row]:
    for path in _files(folder, stream, "jsonl"):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                yield json.loads(line)


def _singer_lines(_: Loader, folder: Path, stream: str) -> Iterator[Row]:
    for path in _files(folder, stream, "singer.gz"):
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8")
        for message in map(json.loads, filter(None, text.split("\n"))):
            if message["type"] == "RECORD":
                yield message["record"]


def _csv(_: Loader, folder: Path, stream: str) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)
    for path in _files(folder, stream, "csv"):
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def _parquet(loader: Loader, folder: Path, stream: str) -> Iterator[Row]:
    for path in _files(folder, stream, "parquet"):
        yield from _told(loader, "import pyarrow.parquet as p; rows = p.read_table(sys.argv[1]).to_pylist()", str(path))


def _duckdb(loader: Loader, folder: Path, stream: str) -> Iterator[Row]:
    query = (
        "import duckdb; c = duckdb.connect(sys.argv[1]).execute(f'SELECT * FROM {sys.argv[2]}'); "
        "names = [d[0] for d in c.description]; rows = [dict(zip(names, row)) for row in c.fetchall()]"
    )
    return _told(loader, query, str(folder / "loaded.duckdb"), f"{SCHEMA}.{stream}")


def _postgres(_: Loader, folder: Path, stream: str) -> Iterator[Row]:
    import psycopg  # noqa: PLC0415 - the one reader that needs it
    from psycopg import sql  # noqa: PLC0415 - as above
    from psycopg.rows import dict_row  # noqa: PLC0415 - as above

    with psycopg.connect(f"host={folder.parent / 'data'} user=postgres dbname=postgres") as connection:
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(SCHEMA, stream))
        yield from connection.cursor(row_factory=dict_row).execute(query).fetchall()


def _files(folder: Path, stream: str, suffix: str) -> list[Path]:
    return [path for path in folder.rglob(f"{stream}*.{suffix}") if path.stem.split("-")[0] == stream]


def _told(loader: Loader, script: str, *arguments: str) -> Iterator[Row]:
    """Let the loader's own Python read, as the package for it is not in ours."""
    script = f"import json, sys; {script}; print(json.dumps(rows, default=str))"
    command = [str(loader.binaries / "python"), "-c", script, *arguments]
    read = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8", timeout=120)
    return iter(json.loads(read.stdout))


def _as_pasted(name: str) -> dict[str, Any]:
    """Return how meltano.yml sets a loader up, apart from where it writes to."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (loader,) = (each for each in project["plugins"]["loaders"] if each["name"] == name)
    values = {setting["name"]: setting["value"] for setting in loader["settings"] if "value" in setting}
    return {name: value for name, value in values.items() if name != "default_target_schema"}


LOADERS = [
    Loader(
        "PostgreSQL 18",
        "target-postgres",
        "target-postgres",
        "meltanolabs-target-postgres",
        {"sqlalchemy_url": POSTGRES, "default_target_schema": SCHEMA, **_as_pasted("target-postgres")},
        _postgres,
        updates=True,
    ),
    Loader(
        "JSON Lines",
        "target-jsonl",
        "target-jsonl",
        "target-jsonl",
        {"destination_path": FOLDER, "do_timestamp_file": False},
        _json_lines,
    ),
    Loader(
        "DuckDB",
        "target-duckdb",
        "target-duckdb",
        "target-duckdb",
        {"filepath": f"{FOLDER}/loaded.duckdb", "default_target_schema": SCHEMA},
        _duckdb,
        updates=True,
    ),
    Loader("CSV", "target-csv", "target-csv", "meltanolabs-target-csv", {"output_path": FOLDER}, _csv),
    Loader(
        "Singer messages, a file for each stream",
        "target-singer-jsonl",
        "target-singer-jsonl",
        "target-singer-jsonl",
        {"destination": "local", "local": {"folder": FOLDER}},
        _singer_lines,
    ),
    *(
        Loader(
            label,
            "target-universal-file",
            "target-universal-file",
            "target-universal-file",
            {"protocol": "local", "path": FOLDER, "file_type": suffix, "file_name_format": "{stream_name}.{file_type}"},
            read,
        )
        for label, suffix, read in (
            ("Parquet", "parquet", _parquet),
            ("CSV", "csv", _csv),
            ("JSON Lines", "jsonl", _json_lines),
        )
    ),
]
