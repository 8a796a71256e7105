"""Who takes part, and how each is started and what it leaves behind is read."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Records = Iterator[tuple[str, dict[str, Any]]]

Sink = Literal["singer", "lines", "airbyte", "dlt"]
HERE = Path(__file__).parent
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Peer:
    """One way to read a customer."""

    name: str
    label: str
    environment: str
    """The environment that it runs in; its lock is requirements/ENVIRONMENT.txt."""
    command: tuple[str, ...]
    """What follows the environment's Python; CONFIG, CATALOGUE and FOLDER stand for files and an empty folder."""
    sink: Sink
    packages: tuple[str, ...]
    """The packages whose versions matter."""
    counted: str
    """What is measured, in words."""

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """The environments that it runs in, each with the packages whose versions matter."""
        return {self.environment: self.packages}

    def outputs(self, output: Path, folder: Path) -> list[Output]:
        """Say where its records are, in parts of equal size that can be read side by side.

        Args:
            output: What it wrote to stdout.
            folder: The folder that it was given.

        Returns:
            The parts.
        """
        if self.sink == "dlt":
            # A record's lists may be in another file than the record.
            return [Output(self.sink, folder, 0, 0)]
        size = output.stat().st_size
        parts = os.cpu_count() or 1
        return [Output(self.sink, output, size * n // parts, size * (n + 1) // parts) for n in range(parts)]


@dataclass(frozen=True)
class Output:
    """A part of what a peer has written."""

    sink: Sink
    path: Path
    start: int
    end: int
    """The lines that begin from ``start`` up to ``end`` belong to it."""

    def records(self) -> Records:
        """Read it.

        Yields:
            Each record, with its stream.
        """
        if self.sink == "dlt":
            yield from dlt_records(_dlt_files(self.path))
            return
        for line in self._lines():
            message = _decode(line)
            if self.sink == "lines":
                yield message["stream"], message["record"]
            elif message["type"] == "RECORD":
                yield _singer_record(message) if self.sink == "singer" else _airbyte_record(message)

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            position = self.start
            if position:
                file.seek(position - 1)
                position += len(file.readline()) - 1
            while position < self.end and (line := file.readline()):
                position += len(line)
                yield line


def _singer_record(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return message["stream"], message["record"]


def _airbyte_record(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return message["record"]["stream"], message["record"]["data"]


def _dlt_files(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the files that dlt would load next, table by table."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.rglob("new_jobs/*.jsonl*")):
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            tables.setdefault(path.name.split(".")[0], []).extend(map(_decode, lines))
    return tables


def dlt_records(tables: Mapping[str, Iterable[dict[str, Any]]]) -> Records:
    """Put records together from dlt's tables; a list of values is a table of its own there.

    Args:
        tables: The rows of each table.

    Yields:
        Each record, with its stream.
    """
    values: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for name, rows in tables.items():
        _, _, field = name.partition("__")
        for row in rows if field and not name.startswith("_dlt") else ():
            values.setdefault((row["_dlt_parent_id"], field), []).append((row["_dlt_list_idx"], row["value"]))
    lists: dict[str, dict[str, list[Any]]] = {}
    for (parent, field), listed in values.items():
        lists.setdefault(parent, {})[field] = [value for _, value in sorted(listed)]
    for name, rows in tables.items():
        if "__" in name or name.startswith("_dlt"):
            continue
        for row in rows:
            organisation = {"organisation_id": row["_organisations_id"]} if "_organisations_id" in row else {}
            yield name, {**organisation, **row, **lists.get(row["_dlt_id"], {})}


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "tap",
            "**tap-onefile**",
            "dev",
            ("-m", "tap_onefile", "--config", "CONFIG", "--catalog", "CATALOGUE"),
            "singer",
            ("singer-sdk", "msgspec"),
            "`tap-onefile > file`",
        ),
        Peer(
            "asyncio_limit",
            "asyncio, the limit",
            "bench-asyncio",
            (str(HERE / "asyncio_limit.py"), "CONFIG"),
            "lines",
            ("aiohttp", "msgspec", "uvloop"),
            "hand-tuned client, JSON lines to a file",
        ),
        Peer(
            "requests_script",
            "requests script",
            "dev",
            (str(HERE / "requests_script.py"), "CONFIG"),
            "lines",
            ("requests",),
            "one call at a time, JSON lines to a file",
        ),
        Peer(
            "stock_sdk",
            "stock Singer SDK tap",
            "dev",
            (str(HERE / "stock_sdk.py"), "--config", "CONFIG"),
            "singer",
            ("singer-sdk",),
            "`RESTStream` as the template has it, stdout to a file",
        ),
        Peer(
            "airbyte",
            "Airbyte low-code, concurrent",
            "bench-airbyte",
            (str(HERE / "airbyte_source.py"), "CONFIG", "FOLDER"),
            "airbyte",
            ("airbyte-cdk",),
            "`read`, stdout to a file",
        ),
        Peer(
            "dlt_tuned",
            "dlt rest_api, tuned",
            "bench-dlt",
            (str(HERE / "dlt_rest_api.py"), "CONFIG", "FOLDER", "tuned"),
            "dlt",
            ("dlt",),
            "`extract` and `normalize` to JSON lines, without the load",
        ),
        Peer(
            "dlt_default",
            "dlt rest_api, default",
            "bench-dlt",
            (str(HERE / "dlt_rest_api.py"), "CONFIG", "FOLDER", "default"),
            "dlt",
            ("dlt",),
            "the same",
        ),
    )
}
