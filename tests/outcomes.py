"""What the tap makes of a OneFile whose answers slip, and whether that is right."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.campaign.processes import run_at_once
from tests.running import LostProcess, Run, run_tap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tests.slips import OneFile, Row


@functools.cache
def _discovered() -> str:
    with TemporaryDirectory() as folder:
        return run_tap(Path(folder), {"special_category_data": True}, "--discover").stdout


def read(folder: Path, onefile: OneFile, *streams: str, state: Row | None = None, **settings: object) -> Run:
    """Run the tap for some streams.

    Args:
        folder: Where to run it.
        onefile: The server.
        streams: The streams that are selected.
        state: What an earlier run left.
        settings: Further settings.
    """
    catalog = json.loads(_discovered())
    for stream in catalog["streams"]:
        (root,) = (entry for entry in stream["metadata"] if not entry["breadcrumb"])
        root["metadata"]["selected"] = stream["tap_stream_id"] in streams
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    while True:
        with suppress(LostProcess):
            return run_at_once(folder, {**onefile.settings, **settings}, state)


def _comparable(rows: Iterable[Row], names: Iterable[str]) -> list[str]:
    return sorted(json.dumps({name: row.get(name) for name in names}, sort_keys=True) for row in rows)


def differences(run: Run, onefile: OneFile, stream: str, organisations: Collection[int] | None = None) -> str:
    """Say how what was sent differs from what there is; nothing where each record came once and whole."""
    truth = onefile.truth(stream, organisations)
    names = sorted({name for row in truth for name in row} or {"ID"})
    sent = Counter(_comparable(run.records[stream], names))
    there = Counter(_comparable(truth, names))
    less, more = sum((there - sent).values()), sum((sent - there).values())
    return f"{stream}: {less} of {len(truth)} not sent as they are, {more} sent that are not so" if less + more else ""


def assert_complete(run: Run, onefile: OneFile, *streams: str, organisations: Collection[int] | None = None) -> None:
    """Assert that all came, each record once and whole, and nothing else."""
    wrong = [text for stream in streams if (text := differences(run, onefile, stream, organisations))]
    assert (run.status, wrong) == (0, []), run.last_line


def assert_told(run: Run, onefile: OneFile, missing: str, *others: str, only: str = "") -> None:
    """Assert that the run failed and named what is missing, and that everything else came.

    Args:
        run: The run.
        onefile: The server.
        missing: The stream that is named. What came of it is as it is.
        others: The streams that are complete.
        only: The one part of the stream that is missing, such as an organisation.
    """
    assert run.status == 1, differences(run, onefile, missing)
    assert missing in run.last_line
    assert only in run.last_line
    assert re.search(r"run again|report|ask OneFile|check|deselect|take \w+ out", run.last_line, re.IGNORECASE)
    assert "Traceback" not in run.stderr
    assert not run.activated
    assert not [text for stream in others if (text := differences(run, onefile, stream))]
    assert not [stream for stream in others if re.search(rf"\b{stream} of ", run.last_line)]
    assert_true(run, onefile, missing)


def assert_true(run: Run, onefile: OneFile, stream: str) -> None:
    """Assert that each record that was sent is one that there is, whole, and was sent once."""
    assert not re.search(r"[1-9]\d* sent that", differences(run, onefile, stream))


def assert_honest(run: Run, onefile: OneFile, missing: str, *others: str) -> None:
    """Assert that all came, or that the run failed and named what did not."""
    if run.status == 0:
        assert_complete(run, onefile, missing, *others)
    else:
        assert_told(run, onefile, missing, *others)


def assert_put_right(folder: Path, first: Run, onefile: OneFile, *streams: str, **settings: Any) -> None:  # noqa: ANN401 - they are read's
    """Assert that a next run, with the state of the first and no slip, completes what the first has sent."""
    onefile.slips.clear()
    states = [message for message in first.messages if message["type"] == "STATE"]
    second = read(folder, onefile, *streams, state=first.state if states else {}, **settings)
    for stream in streams:
        latest = {record["ID"]: record for record in first.records[stream] + second.records[stream]}
        both = Run(second.status, "", second.stderr)
        both.records[stream] = list(latest.values())
        assert_complete(both, onefile, stream)
