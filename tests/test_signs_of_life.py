"""People see that a long run is alive, and what it was at its end."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefile_sandbox import Fault
from tap_onefile.extract.query import Record
from tap_onefile.extract.reader import Reader
from tap_onefile.records.convert import to_integer
from tap_onefile.reporting.console import ProgressLine, Terminal, heartbeat
from tap_onefile.reporting.metrics import Metrics
from tap_onefile.reporting.problems import Problems
from tests.running import config_for, run_tap
from tests.unit.scripted_transport import ScriptedTransport, answer

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.running import Run


def summary(run: Run) -> dict[str, dict[str, Any]]:
    """Read the lines for programs at the end of a run, by stream."""
    lines = [json.loads(line) for line in re.findall(r"SUMMARY: (\{.*\})$", run.stderr, re.MULTILINE)]
    return {line.pop("stream"): line for line in lines}


def test_the_end_says_for_programs_what_came_of_each_stream(tmp_path: Path, sandbox: Sandbox) -> None:
    for status, match in (
        (403, "POST /User/Search"),
        (418, "POST /Classroom/Search"),
        (404, "/AssignedStandards"),
        (404, "POST /Placement/Search/"),
    ):
        sandbox.add_fault(Fault(kind="status", status=status, match=match, times=None))

    told = summary(run_tap(tmp_path, config_for(sandbox)))

    assert {name: told[name]["outcome"] for name in ("learners", "classrooms", "assigned_standards", "providers")} == {
        "learners": "refused",
        "classrooms": "incomplete",
        "assigned_standards": "not offered",
        "providers": "complete",
    }
    assert told["placements"]["unpaged"] is True
    assert told["all streams"]["outcome"] == "incomplete"


def test_the_end_has_a_line_for_each_stream_and_one_for_all(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=503, match="POST /Placement/Search"))

    run = run_tap(tmp_path, config_for(sandbox))

    told = summary(run)
    total = told.pop("all streams")
    assert {name: told[name]["records"] for name in run.records} == {
        name: len(rows) for name, rows in run.records.items()
    }
    assert {name for name, each in told.items() if each["repeated"]} == {"placements"}
    assert sum(each["calls"] for each in told.values()) == total["calls"] == len(sandbox.calls)
    assert total["records"] == sum(map(len, run.records.values()))
    assert {each["outcome"] for each in [*told.values(), total]} == {"complete"}
    assert "\x1b" not in run.stderr
    assert "METRIC" not in run.stderr


def test_in_a_log_a_plain_line_comes_now_and_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tap_onefile.reporting.console._IN_A_LOG", 0.01)
    caplog.set_level("INFO", "tap-onefile")
    statistics = Metrics()
    statistics.stream = "learners"
    statistics.of("learners").records = 1234

    logged = threading.Semaphore(0)

    def count(_: logging.LogRecord) -> bool:
        logged.release()
        return True

    monkeypatch.setattr(logging.getLogger("tap-onefile"), "filters", [count])

    with heartbeat(statistics, 300):
        assert threading.active_count() > 1
        assert logged.acquire(timeout=30)
        assert logged.acquire(timeout=30)

    assert re.fullmatch(r"learners · 1,234 records · 0 calls · 0 of 300 in the last minute", caplog.messages[1])


def statistics_of(done: int, clock: list[float]) -> Metrics:
    """Make the statistics of a run that is on its way through four organisations."""
    statistics = Metrics(clock=lambda: clock[0])
    statistics.stream = "learners"
    statistics.organisations, statistics.organisations_done = [1, 2, 3, 4], done
    return statistics


@pytest.mark.parametrize(("done", "left"), [(0, ""), (1, "about 3 min left"), (3, "about 20 s left"), (4, "")])
def test_the_time_left_is_told_where_it_can_be_known(done: int, left: str) -> None:
    clock = [0.0]
    line = ProgressLine(statistics_of(done, clock), 300, clock=lambda: clock[0])
    clock[0] = 60.0

    assert line.text().partition("organisations")[2] == (f" · {left}" if left else "")


def test_within_an_organisation_that_takes_long_a_total_and_the_time_left_are_told() -> None:
    clock = [0.0]
    statistics = statistics_of(0, clock)
    line = ProgressLine(statistics, 300, clock=lambda: clock[0])

    with statistics.reading(3000) as part:
        assert "learners · 0 of 3,000 in this organisation · " in line.text()
        assert "left" not in line.text()
        clock[0], part.done = 60.0, 300
        assert line.text().startswith("learners · 300 of 3,000 in this organisation · ")
        assert line.text().endswith(" · about 9 min left for these")
        statistics.organisations_done = 1
        assert line.text().endswith(" · about 3 min left")

    assert "in this organisation" not in line.text()


def test_calls_for_each_learner_or_record_are_counted_against_their_total() -> None:
    statistics = Metrics()
    onefile = ScriptedTransport(answer(200, {"ID": 1}))
    reader = Reader(onefile.client(), page_size=100, parallel_requests=1, metrics=statistics, problems=Problems())
    told: list[tuple[int, int]] = []

    def note() -> None:
        assert statistics.part
        told.append((statistics.part.done, statistics.part.total))

    for _ in reader.complete("reviews", "Review", [[{"ID": 1}, {"ID": 1}], [{"ID": 1}]], to_integer):
        note()
    for _ in reader.many([Record("User/1/offthejob", "off_the_job"), Record("User/2/offthejob", "off_the_job")]):
        note()

    assert told == [(1, 3), (2, 3), (3, 3), (1, 2), (2, 2)]
    assert statistics.part is None


def test_calls_are_told_against_the_budget_of_the_last_minute() -> None:
    clock = [0.0]
    statistics = statistics_of(0, clock)
    line = ProgressLine(statistics, 300, clock=lambda: clock[0])
    for _ in range(90):
        clock[0] += 1
        statistics.of("learners").add_call(0.0)
        told = line.text()

    assert "learners · 0 records · 90 calls · 60 of 300 in the last minute · 0 of 4 organisations" in told


def test_without_a_budget_the_pace_is_told() -> None:
    clock = [0.0]
    statistics = statistics_of(0, clock)
    line = ProgressLine(statistics, 0, clock=lambda: clock[0])
    statistics.of("learners").add_call(0.0)
    clock[0] = 10.0

    assert "6 calls a minute" in line.text()


def test_a_terminal_is_written_to_although_there_is_no_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", None)
    screen = io.StringIO()

    Terminal(screen).table([("stream", "records"), ("all streams", "0")])

    assert "all streams" in screen.getvalue()


@settings(deadline=None)
@given(columns=st.integers(1, 200), records=st.integers(0, 10**8), done=st.integers(0, 4))
def test_a_sign_is_never_wider_than_the_terminal(columns: int, records: int, done: int) -> None:
    clock = [0.0]
    statistics = statistics_of(done, clock)
    statistics.of("learners").records = records
    line = ProgressLine(statistics, 300, clock=lambda: clock[0])
    clock[0] = 600.0

    whole, fitted = line.text(), line.text(columns)

    assert len(fitted) <= columns
    assert fitted == whole or len(whole) > columns
    assert whole.startswith(fitted.partition(" · ")[0])
