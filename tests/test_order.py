"""Read-ahead changes neither what is sent nor its order, and wastes few calls."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest

from onefile_sandbox import Behaviour, Fault
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartSandbox
    from tests.running import Run


def sequence(run: Run) -> list[str]:
    """Give the lines of records in their order, byte for byte but for the time of extraction."""
    assert run.status == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith('{"type":"RECORD"')]
    assert len(lines) == sum(message["type"] == "RECORD" for message in run.messages)
    return [re.sub(r'"time_extracted":"[^"]*"', "", line) for line in lines]


@pytest.mark.slow
def test_the_records_are_the_same_sequence_however_many_calls_are_under_way(
    tmp_path: Path, start_sandbox: StartSandbox
) -> None:
    sandbox = start_sandbox(learners=60, organisations=4, behaviour=Behaviour(order="by-name"))
    everything = select(tmp_path)
    alone = sequence(run_tap(tmp_path, config_for(sandbox, page_size=7, parallel_requests=1), *everything))

    for parallel_requests in (2, 8, 64):
        sandbox.clear_faults()
        for after, match in enumerate(("POST /User/Search", "POST /Plan/Search", "GET /Review", "GET /Organisation")):
            # Some calls are late, so that answers come in another order than they were asked for.
            sandbox.add_fault(Fault(kind="slow", seconds=0.2, match=match, after=after, times=4))
        config = config_for(sandbox, page_size=7, parallel_requests=parallel_requests)
        assert sequence(run_tap(tmp_path, config, *everything)) == alone


def test_what_hangs_from_many_things_is_read_side_by_side(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    latency = 0.3
    sandbox = start_sandbox(learners=4, organisations=1, latency=latency)

    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "units"))

    assert run.status == 0, run.stderr
    moments = [call.at for call in sandbox.calls if call.route.startswith("POST /Unit")]
    assert len(moments) > 30
    # One after the other they would take this many times the latency.
    assert moments[-1] - moments[0] < len(moments) * latency / 2


@pytest.mark.parametrize("learners", [0, 5, 10, 20, 39, 40])
def test_no_call_is_wasted_on_a_short_search(tmp_path: Path, start_sandbox: StartSandbox, learners: int) -> None:
    # However busy the machine is, the list of the search comes about as soon as a page of it.
    sandbox = start_sandbox(learners=learners, organisations=1, latency=0.05)

    run = run_tap(tmp_path, config_for(sandbox, page_size=10), *select(tmp_path, "learners"))

    assert run.status == 0, run.stderr
    searches = [call.route for call in sandbox.calls if call.body.get("Role") == 1]
    # A page and a list of as many rows as are asked for may both have been cut, so that one answer more is asked for.
    pages = math.ceil(learners / 10) + 1 + (learners == 10)
    assert searches.count("POST /User/Search/{page}/{size}") == pages
    # One call may be spent, when nothing else is left to ask for, on learning how many rows there are.
    assert searches.count("POST /User/Search") <= 1


@pytest.mark.parametrize("pages", [5, 6, 9, 20, 61])
def test_at_most_a_fifth_of_the_calls_is_wasted_on_a_long_search(
    tmp_path: Path, start_sandbox: StartSandbox, pages: int
) -> None:
    sandbox = start_sandbox(learners=pages * 5, organisations=1, latency=0.05)

    run = run_tap(tmp_path, config_for(sandbox, page_size=5), *select(tmp_path, "learners"))

    assert len(run.records["learners"]) == pages * 5
    searches = [call for call in sandbox.calls if call.body.get("Role") == 1]
    assert len(searches) - (pages + 1) <= len(searches) / 5


@pytest.mark.parametrize("pages", [1, 2, 5, 20])
def test_few_pages_are_guessed_where_nothing_counts_them(
    tmp_path: Path, start_sandbox: StartSandbox, pages: int
) -> None:
    sandbox = start_sandbox(learners=pages * 5, organisations=1, behaviour=Behaviour(unpaged="404"))

    run = run_tap(tmp_path, config_for(sandbox, page_size=5), *select(tmp_path, "learners"))

    assert len(run.records["learners"]) == pages * 5
    searches = [call.path.split("/")[-2:] for call in sandbox.calls if call.body.get("Role") == 1]
    asked = {int(page) for page, _ in searches if page.isdecimal()}
    assert len(asked - {*range(1, pages + 2)}) <= max(0, min(pages**2 - pages, 8) - 1)


def test_counting_the_rows_is_a_hint_and_no_more(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=100, organisations=1)
    sandbox.add_fault(Fault(kind="status", status=500, match="POST /User/Search$", times=None))

    run = run_tap(tmp_path, config_for(sandbox, page_size=5), *select(tmp_path, "learners"))

    assert run.status == 0, run.stderr
    assert len(run.records["learners"]) == 100
