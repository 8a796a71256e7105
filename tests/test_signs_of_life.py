"""People see that a long run is alive, and what it was at its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_onefile.heartbeat import SignsOfLife
from tap_onefile.statistics import Statistics
from tests.running import config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox


def test_the_end_has_a_line_for_each_stream_and_one_for_all(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox))

    counted = re.search(r"learners: (\d+) records, (\d+) calls, 0 repeated", run.stderr)
    assert counted
    assert int(counted[1]) == len(sandbox.records("learners"))
    total = re.search(r"all streams: (\d+) records, (\d+) calls", run.stderr)
    assert total
    assert int(total[1]) == sum(map(len, run.records.values()))
    assert int(total[2]) == len(sandbox.calls)
    assert "\x1b" not in run.stderr
    assert "METRIC" in run.stderr


def statistics_of(done: int, clock: list[float]) -> Statistics:
    """Make the statistics of a run that is on its way through four organisations."""
    statistics = Statistics(clock=lambda: clock[0])
    statistics.stream = "learners"
    statistics.organisations, statistics.organisations_done = [1, 2, 3, 4], done
    return statistics


@pytest.mark.parametrize(("done", "left"), [(0, ""), (1, "about 3 min left"), (3, "about 20 s left"), (4, "")])
def test_the_time_left_is_told_where_it_can_be_known(done: int, left: str) -> None:
    clock = [0.0]
    signs = SignsOfLife(statistics_of(done, clock), 300, clock=lambda: clock[0])
    clock[0] = 60.0

    assert signs.sign().partition("organisations")[2] == (f" · {left}" if left else "")


def test_calls_are_told_against_the_budget_of_the_last_minute() -> None:
    clock = [0.0]
    statistics = statistics_of(0, clock)
    signs = SignsOfLife(statistics, 300, clock=lambda: clock[0])
    for _ in range(90):
        clock[0] += 1
        statistics.of("learners").add_call(0.0)
        told = signs.sign()

    assert "learners · 0 records · 90 calls · 60 of 300 in the last minute · 0 of 4 organisations" in told


def test_without_a_budget_the_pace_is_told() -> None:
    clock = [0.0]
    statistics = statistics_of(0, clock)
    signs = SignsOfLife(statistics, 0, clock=lambda: clock[0])
    statistics.of("learners").add_call(0.0)
    clock[0] = 10.0

    assert "6 calls a minute" in signs.sign()


@given(columns=st.integers(1, 200), records=st.integers(0, 10**8), done=st.integers(0, 4))
def test_a_sign_is_never_wider_than_the_terminal(columns: int, records: int, done: int) -> None:
    clock = [0.0]
    statistics = statistics_of(done, clock)
    statistics.of("learners").records = records
    signs = SignsOfLife(statistics, 300, clock=lambda: clock[0])
    clock[0] = 600.0

    whole, fitted = signs.sign(), signs.sign(columns)

    assert len(fitted) <= columns
    assert fitted == whole or len(whole) > columns
    assert whole.startswith(fitted.partition(" · ")[0])
