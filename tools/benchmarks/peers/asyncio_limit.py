"""The practical limit: hand-tuned for this one API, with nothing a tool needs. Usage: asyncio_limit.py CONFIG.

As many connections as the tap has; whichever is free asks for the next page of the search that has the fewest calls
under way, whether that page exists or not, save that after a short page only one more is tried. Rows are decoded and
encoded again by msgspec. No retries, no budget, no order, no schema, no state.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp  # type: ignore[import-not-found] # ty: ignore[import-not-found] # an environment of its own
import msgspec
import uvloop  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same

if TYPE_CHECKING:
    from collections.abc import Mapping

STREAMS: dict[str, tuple[str, dict[str, int]]] = {
    "learners": ("User", {"Role": 1}),
    "assessors": ("User", {"Role": 5}),
    "classrooms": ("Classroom", {}),
    "placements": ("Placement", {}),
}


@dataclass
class Search:
    """One search, and how far it is."""

    stream: str
    entity: str
    body: dict[str, int]
    asked: int = 0
    under_way: int = 0
    last: float = inf
    """The last page worth asking for, as far as we know."""


class Reader:
    """Reads a customer.

    Args:
        http: The connections.
        config: Where to read, and how.
    """

    def __init__(self, http: aiohttp.ClientSession, config: Mapping[str, Any]) -> None:
        self._http = http
        self._api_url = config["api_url"]
        self._page_size = config["page_size"]
        self._connections = config["parallel_requests"]
        self._token = config["customer_token"]
        self._headers = {"Content-Type": "application/json"}
        self._decode = msgspec.json.Decoder(list[dict[str, Any]]).decode
        self._encode = msgspec.json.Encoder()
        self._searches: list[Search] = []
        self._more = asyncio.Condition()

    async def run(self) -> None:
        """Read all of it."""
        login = {"X-CustomerToken": self._token}
        async with self._http.post(f"{self._api_url}/Authentication", headers=login) as answer:
            answer.raise_for_status()
            self._headers["X-TokenID"] = (await answer.text()).strip().strip('"')
        async with self._http.get(f"{self._api_url}/Customer", headers=self._headers) as answer:
            customer = msgspec.json.decode(await answer.read())
        self._write("customers", [customer])
        self._searches = [Search("organisations", "Organisation", {"CustomerID": customer["ID"]})]
        await asyncio.gather(*(self._work() for _ in range(self._connections)))

    async def _work(self) -> None:
        while True:
            async with self._more:
                while not (is_left := [s for s in self._searches if s.asked < s.last]):
                    if not any(s.under_way for s in self._searches):
                        return
                    await self._more.wait()
                search = min(is_left, key=lambda s: s.under_way)
                search.asked += 1
                search.under_way += 1
            await self._read(search, search.asked)
            async with self._more:
                search.under_way -= 1
                self._more.notify_all()

    async def _read(self, search: Search, page: int) -> None:
        url = f"{self._api_url}/{search.entity}/Search/{page}/{self._page_size}"
        body = self._encode.encode(search.body)
        async with self._http.post(url, data=body, headers=self._headers) as answer:
            answer.raise_for_status()
            content = await answer.read()
        if not content:
            search.last = min(search.last, page)
            return
        rows = self._decode(content)
        if len(rows) < self._page_size:
            search.last = min(search.last, page + 1)
        if search.stream == "organisations":
            self._searches += [
                Search(stream, entity, {"OrganisationID": row["ID"], **extra})
                for row in rows
                for stream, (entity, extra) in STREAMS.items()
            ]
        else:
            for row in rows:
                row["OrganisationID"] = search.body["OrganisationID"]
        self._write(search.stream, rows)

    def _write(self, stream: str, rows: list[dict[str, Any]]) -> None:
        lines = self._encode.encode_lines([{"stream": stream, "record": row} for row in rows])
        sys.stdout.buffer.write(lines)


async def main(config: dict[str, Any]) -> None:
    """Read the six streams, and write each record as a line of JSON."""
    connector = aiohttp.TCPConnector(limit=config["parallel_requests"])
    async with aiohttp.ClientSession(connector=connector) as http:
        await Reader(http, config).run()


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
