"""Cost grows with the number of organisations, never with its square."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Sandbox
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 15, 60
MOST = 1.15 * MANY / FEW
"""How many times more the larger customer may cost; with the square it would be 16."""
STREAMS = ("learners", "assessors", "classrooms", "reviews")


def cost_of(folder: Path, organisations: int, method: str, runs: int) -> dict[str, int]:
    """Count what some runs over a customer with one learner for each organisation have written."""
    folder.mkdir()
    catalog = select(folder, *STREAMS)
    listed = json.loads((folder / "catalog.json").read_text(encoding="utf-8"))
    for stream in listed["streams"]:
        if stream["tap_stream_id"] in {"learners", "assessors"}:
            stream["replication_method"] = method
    (folder / "catalog.json").write_text(json.dumps(listed), encoding="utf-8")
    counted = {"states": 0, "log": 0, "schemas": 0, "records": 0}
    state: dict[str, Any] = {}
    with Sandbox(learners=organisations, organisations=organisations, calls_per_minute=0) as sandbox:
        for _ in range(runs):
            (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
            run = run_tap(folder, config_for(sandbox), *catalog, "--state", "state.json")
            assert run.status == 0, run.stderr
            lines = run.stdout.splitlines()
            states = [line for line in lines if json.loads(line)["type"] == "STATE"]
            state = json.loads(states[-1])["value"]
            counted["states"] += sum(map(len, states))
            counted["log"] += len(run.stderr.splitlines())
            counted["schemas"] += sum(json.loads(line)["type"] == "SCHEMA" for line in lines)
            counted["records"] += sum(map(len, run.records.values()))
    return counted


@pytest.mark.slow
@pytest.mark.parametrize("method", ["FULL_TABLE", "INCREMENTAL"])
def test_messages_and_log_lines_grow_with_organisations_and_never_with_their_square(
    tmp_path: Path, method: str
) -> None:
    few, many = (cost_of(tmp_path / str(number), number, method, runs=2) for number in (FEW, MANY))

    assert many["records"] > few["records"] * 3
    assert many["states"] <= few["states"] * MOST
    # A bookmark takes some 40 bytes; a run has two states at the least, or a little more than that.
    assert many["states"] <= MANY * len(STREAMS) * 4 * 60
    # A line with the names of all organisations is as long as it must be; none comes for each of them.
    assert many["log"] <= few["log"] + 10
    assert many["schemas"] == few["schemas"]


def test_a_run_of_the_default_streams_logs_no_more_than_where_each_begins_and_ends(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    run = run_tap(tmp_path, config_for(sandbox))

    lines = run.stderr.splitlines()
    about_the_run = 10
    assert len(run.records) > about_the_run
    assert len(lines) <= 2 * len(run.records) + about_the_run, run.stderr
