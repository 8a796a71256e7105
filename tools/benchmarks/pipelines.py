"""Who takes part in the benchmark of whole pipelines, and what each leaves in PostgreSQL."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from psycopg import sql

from tools import CORE_STREAMS
from tools.benchmarks.measuring import CATALOGUE, python_of
from tools.benchmarks.peers import HERE, dlt_records
from tools.demo.pipeline import MELTANO, Pipeline
from tools.docs.tables import to_paste

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tools.benchmarks.peers import Records

SINGER_SCHEMA = "tap_onefile"
"""Where Meltano has the loader put the tables: the namespace of the extractor."""
_TAP = "plugins/extractors/tap-onefile/venv"
_TARGET = "plugins/loaders/target-postgres/venv"
_SDK = {_TAP: ("singer-sdk",), _TARGET: ("meltanolabs-target-postgres",)}


@dataclass(frozen=True)
class Database:
    """A database of one peer's own, on the server that all share."""

    socket: Path
    name: str

    @property
    def url(self) -> str:
        """Its address, with the name of the loader's driver still to be put in."""
        return f"://postgres:@/{self.name}?host={self.socket}"

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect to it."""
        return psycopg.connect(f"host={self.socket} user=postgres dbname={self.name}", autocommit=autocommit)

    def rows(self, schema: str) -> dict[str, Iterator[dict[str, Any]]]:
        """Give the rows of each table of a schema, read when they are asked for."""
        with self.connect() as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
        return {name: self._rows(schema, name) for (name,) in names}

    def _rows(self, schema: str, table: str) -> Iterator[dict[str, Any]]:
        with self.connect() as connection, connection.cursor("rows") as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
            columns = [column.name for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(columns, row, strict=True))


@dataclass(frozen=True)
class Place:
    """What a pipeline is given; the same for its three loads."""

    folder: Path
    """For what it keeps from one load to the next."""
    database: Database
    settings: dict[str, Any]
    """Where to read, and how."""
    schemas: Path
    """The streams' JSON schemas, and the catalogue that selects them."""

    def written(self, name: str, content: dict[str, Any]) -> str:
        """Write a file of settings, and give its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


Command = tuple[list[str], dict[str, str]]
"""A command, and further environment variables."""


@dataclass(frozen=True)
class PipelinePeer:
    """One way from a customer to the rows in PostgreSQL."""

    name: str
    label: str
    needs: Mapping[str, tuple[str, ...]]
    """The environments that it runs in, each with the packages whose versions matter."""
    counted: str
    command: Callable[[Place], Command]
    schema: str = SINGER_SCHEMA

    def records(self, database: Database) -> Records:
        """Read what it has loaded: each record, with its stream."""
        tables = database.rows(self.schema)
        if self.name == "dlt_merge":
            yield from dlt_records(tables)
            return
        for stream, rows in tables.items():
            for row in rows:
                yield stream, row


def as_pasted() -> dict[str, Any]:
    """Give what README tells people to paste into meltano.yml."""
    block: dict[str, Any] = yaml.safe_load(to_paste().removeprefix("```yaml").removesuffix("```"))
    return block


def _as_it_comes() -> dict[str, Any]:
    """Give the same without the settings that make the loader fast."""
    block = as_pasted()
    for loader in block["plugins"]["loaders"]:
        loader["settings"] = [each for each in loader["settings"] if not isinstance(each.get("value"), bool | int)]
    return block


def _meltano(place: Place, block: dict[str, Any]) -> Command:
    project = place.folder / "project"
    if not project.exists():
        project.mkdir()
        # What `meltano init` has written there already.
        told = {"default_environment": "dev", "environments": [{"name": "dev"}], "project_id": "benchmark", **block}
        (project / "meltano.yml").write_text(yaml.safe_dump(told), encoding="utf-8")
        pipeline = Pipeline({}, database=place.folder / "meltano.db", log=place.folder / "log")
        (place.folder / "environment.json").write_text(json.dumps(pipeline.environment), encoding="utf-8")
    environ: dict[str, str] = json.loads((place.folder / "environment.json").read_text(encoding="utf-8"))
    for name, value in place.settings.items():
        environ[f"TAP_ONEFILE_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    environ["TAP_ONEFILE__SELECT"] = json.dumps([f"{stream}.*" for stream in CORE_STREAMS])
    environ["TARGET_POSTGRES_SQLALCHEMY_URL"] = f"postgresql+psycopg{place.database.url}"
    command = [str(MELTANO), "--env-file", os.devnull, "--cwd", str(project)]
    # What is installed stands elsewhere than at the path that README leaves open.
    return [*command, "run", "--no-install", "tap-onefile", "target-postgres"], environ


def _piped(place: Place, tap: list[str]) -> Command:
    (loader,) = as_pasted()["plugins"]["loaders"]
    settings = {each["name"]: each["value"] for each in loader["settings"] if "value" in each}
    settings |= {
        "default_target_schema": SINGER_SCHEMA,
        "sqlalchemy_url": f"postgresql+psycopg{place.database.url}",
    }
    target = [python_of(_TARGET).removesuffix("python") + "target-postgres"]
    target += ["--config", place.written("target.json", settings)]
    pipe = f"{shlex.join(tap)} | {shlex.join(target)}"
    shell = shutil.which("bash") or "/bin/bash"
    return [shell, "-o", "pipefail", "-c", pipe], {"SCHEMAS": str(place.schemas)}


def _ours(place: Place) -> Command:
    config = place.written("config.json", place.settings)
    tap = [python_of(_TAP).removesuffix("python") + "tap-onefile", "--config", config]
    return _piped(place, [*tap, "--catalog", str(place.schemas / CATALOGUE)])


def _stock(place: Place) -> Command:
    known = {name: place.settings[name] for name in ("api_url", "customer_token", "page_size")}
    config = place.written("config.json", {**known, "blank_as_null": True})
    return _piped(place, [python_of("dev"), str(HERE / "stock_sdk.py"), "--config", config])


def _script(environment: str, script: str, *more: str) -> Callable[[Place], Command]:
    def command(place: Place) -> Command:
        config = place.written("config.json", place.settings)
        url = f"postgresql{place.database.url}"
        words = [python_of(environment), str(HERE / script), config, str(place.folder), *more, url]
        return words, {"SCHEMAS": str(place.schemas)}

    return command


PIPELINES = {
    peer.name: peer
    for peer in (
        PipelinePeer(
            "meltano",
            "**`meltano run`**",
            {"meltano": ("meltano",), **_SDK},
            "`meltano run tap-onefile target-postgres`, with the block that README tells people to paste",
            lambda place: _meltano(place, as_pasted()),
        ),
        PipelinePeer(
            "piped",
            "the same without Meltano",
            _SDK,
            "`tap-onefile` piped into `target-postgres`, with the same settings",
            _ours,
        ),
        PipelinePeer(
            "loader_as_it_comes",
            "the loader as it comes",
            {"meltano": ("meltano",), **_SDK},
            "`meltano run`, without the settings that make the loader fast",
            lambda place: _meltano(place, _as_it_comes()),
        ),
        PipelinePeer(
            "dlt_merge",
            "dlt rest_api, merge",
            {"bench-dlt": ("dlt", "psycopg2-binary")},
            "`pipeline.run` by merge on primary keys, tuned as dlt's pages on performance and PostgreSQL say",
            _script("bench-dlt", "dlt_rest_api.py", "merge"),
            "onefile",
        ),
        PipelinePeer(
            "stock_piped",
            "stock Singer SDK tap",
            {"dev": ("singer-sdk",), _TARGET: ("meltanolabs-target-postgres",)},
            "`RESTStream` as the template has it, into the same loader with the same settings",
            _stock,
        ),
        PipelinePeer(
            "asyncio_copy",
            "asyncio and COPY, the limit",
            {"bench-asyncio": ("aiohttp", "asyncpg", "msgspec", "uvloop")},
            "hand-tuned script: COPY into a staging table while it reads, then an upsert",
            _script("bench-asyncio", "asyncio_copy.py"),
            "public",
        ),
    )
}
