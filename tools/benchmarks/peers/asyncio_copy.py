"""The practical limit of the way into PostgreSQL. Usage: asyncio_copy.py CONFIG FOLDER URL.

The reading of asyncio_limit.py. While it goes on, each stream has a connection over which its rows are copied as CSV
into a staging table without a log; at the end they are inserted, or lay themselves over what differs. The tables are
made from the tap's own schemas, in the folder that the environment variable ``SCHEMAS`` names.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp  # type: ignore[import-not-found] # ty: ignore[import-not-found] # an environment of its own
import asyncpg  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same
import uvloop  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same
from asyncio_limit import STREAMS, Reader  # type: ignore[import-not-found] # ty: ignore[import-not-found] # beside it

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_TYPES = {"integer": "bigint", "number": "double precision", "boolean": "boolean", "array": "jsonb", "string": "text"}


class Table:
    """A table, and the way into it."""

    def __init__(self, stream: str, url: str) -> None:
        schema = json.loads(Path(os.environ["SCHEMAS"], f"{stream}.json").read_text(encoding="utf-8"))
        self._stream = stream
        self._url = url
        self._columns = {name: _type(rule) for name, rule in schema["properties"].items()}
        self._lists = [place for place, kind in enumerate(self._columns.values()) if kind == "jsonb"]
        self._rows: asyncio.Queue[list[dict[str, Any]] | None] = asyncio.Queue()
        self.put = self._rows.put_nowait

    async def load(self) -> None:
        """Take rows until there is None, and lay them over what is there."""
        connection = await asyncpg.connect(self._url)
        columns = ", ".join(f'"{name}" {kind}' for name, kind in self._columns.items())
        await connection.execute(f'CREATE TABLE IF NOT EXISTS "{self._stream}" ({columns}, PRIMARY KEY ("ID"))')
        await connection.execute(f"CREATE TEMPORARY TABLE staged ({columns})")
        await connection.copy_to_table("staged", source=self._csv(), format="csv")
        names = [name for name in self._columns if name != "ID"]
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names)
        await connection.execute(
            f'INSERT INTO "{self._stream}" AS held SELECT * FROM staged '  # noqa: S608 - names of our own
            f'ON CONFLICT ("ID") DO UPDATE SET {changes} WHERE held.* IS DISTINCT FROM excluded.*'
        )
        await connection.close()

    async def _csv(self) -> AsyncIterator[bytes]:
        names = tuple(self._columns)
        while (rows := await self._rows.get()) is not None:
            text = io.StringIO()
            values = [[row.get(name) for name in names] for row in rows]
            for place in self._lists:
                for row in values:
                    row[place] = json.dumps(row[place]) if row[place] else None
            csv.writer(text).writerows(values)
            yield text.getvalue().encode()


def _type(rule: Mapping[str, Any]) -> str:
    if rule.get("format") == "date-time":
        return "timestamptz"
    (kind,) = (kind for kind in rule["type"] if kind != "null") if isinstance(rule["type"], list) else (rule["type"],)
    return _TYPES[kind]


class Loader(Reader):  # type: ignore[misc] # its base is not found from here
    """Reads a customer into tables."""

    def __init__(self, http: aiohttp.ClientSession, config: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
        super().__init__(http, config)
        self._tables = tables

    def _write(self, stream: str, rows: list[dict[str, Any]]) -> None:
        self._tables[stream].put(rows)


async def main(config: dict[str, Any], url: str) -> None:
    """Read the six streams into their tables."""
    tables = {stream: Table(stream, url) for stream in ("customers", "organisations", *STREAMS)}
    loads = asyncio.gather(*(table.load() for table in tables.values()))
    connector = aiohttp.TCPConnector(limit=config["parallel_requests"])
    async with aiohttp.ClientSession(connector=connector) as http:
        await Loader(http, config, tables).run()
    for table in tables.values():
        table.put(None)
    await loads


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[3]))
