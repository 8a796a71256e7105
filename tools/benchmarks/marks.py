"""The marks that the tap is to reach, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from tools.benchmarks.workloads import (
    FEW_ORGANISATIONS,
    FEW_RECORDS,
    LOADED,
    LOADED_AGAIN,
    LOADED_BY_BUDGET,
    MANY,
    MANY_ORGANISATIONS,
    MANY_RECORDS,
    SPELLINGS,
    SPENT,
    UNPAGED_FREE,
    UNPAGED_MISSING,
    UNPAGED_SLOW,
    WALL,
    WORK,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.benchmarks.results import Block, Parts, Results
    from tools.benchmarks.workloads import Situation

_A_MINUTE = 285


@dataclass(frozen=True)
class Mark:
    """One mark."""

    where: str
    measure: str
    wanted: str
    figure: str
    is_met: bool | None
    """None where it was not measured."""


_TIMES_FASTER = (
    (WALL, "wall", "stock_sdk", "wall time against the stock SDK tap", 3.5),
    (MANY, "wall", "stock_sdk", "wall time against the stock SDK tap", 7.5),
    (MANY, "wall", "dlt_tuned", "wall time against dlt, tuned", 1.8),
    (MANY, "wall", "airbyte", "wall time against Airbyte, concurrent", 1.3),
    (WORK, "cpu", "stock_sdk", "processor time against the stock SDK tap", 4.0),
    (WORK, "cpu", "dlt_tuned", "processor time against dlt, tuned", 4.0),
    (WORK, "cpu", "airbyte", "processor time against Airbyte", 3.0),
)
_AT_MOST = (
    (WALL, "wall", "asyncio_limit", "wall time against the asyncio limit", 1.15),
    (MANY, "wall", "asyncio_limit", "wall time against the asyncio limit", 1.05),
    (WORK, "wall", "asyncio_limit", "wall time against the asyncio limit", 1.8),
    (LOADED, "wall", "dlt_merge", "`meltano run` against dlt by merge, wall time", 1.0),
    (LOADED_AGAIN, "wall", "dlt_merge", "`meltano run` against dlt by merge, wall time", 0.85),
    (LOADED, "wall", "loader_as_it_comes", "`meltano run` against the loader as it comes, wall time", 0.45),
    (LOADED_AGAIN, "wall", "loader_as_it_comes", "`meltano run` against the loader as it comes, wall time", 0.45),
    *((each, "cpu", "asyncio_limit", "processor time against the asyncio limit", 2.0) for each in SPELLINGS),
    (UNPAGED_FREE, "wall", "asyncio_limit", "wall time against the asyncio limit", 1.05),
    (UNPAGED_SLOW, "wall", "asyncio_limit", "wall time against the asyncio limit", 1.15),
    (UNPAGED_MISSING, "wall", "asyncio_limit", "wall time against the asyncio limit", 1.25),
)
_GROWTH = (
    (
        "five organisations, 0 ms, page size 1000",
        "most memory for 1,000,000 learners against 50,000",
        "rss",
        (FEW_RECORDS,),
        (MANY_RECORDS,),
        1.2,
    ),
    (
        "one learner in each organisation, 0 ms, page size 100",
        "processor time for 1,600 organisations against 400",
        "cpu",
        (FEW_ORGANISATIONS,),
        (MANY_ORGANISATIONS,),
        # Fifteen per cent more than four times as many organisations cost; with their square it would be sixteen times.
        4.6,
    ),
    (f"{WORK}, each spelling", "processor time of the worst against the best", "cpu", SPELLINGS, SPELLINGS, 1.3),
)
_ALONE = 1.15
_START = 1.2


def marks(parts: Parts) -> Iterator[Mark]:
    """Compare what was found with what is wanted.

    Args:
        parts: What was found.

    Yields:
        Every mark.
    """

    def block(situation: Situation) -> Block | None:
        return next((block for results in parts.values() if (block := results.block(situation))), None)

    for situation, measure, peer, words, least in _TIMES_FASTER:
        found = block(situation)
        ratio = found.ratio(peer, measure) if found else None
        less = "less" if measure == "cpu" else "faster"
        yield _mark(str(situation), words, f"at least {least:g} times {less}", ratio, ratio and ratio >= least)
    for situation, measure, peer, words, most in _AT_MOST:
        found = block(situation)
        over = found.ratio(peer, measure) if found else None
        yield _at_most(str(situation), words, most, 1 / over if over else None)
    for where, words, measure, some, others, most in _GROWTH:
        before, after = (
            [found.median("tap", measure) for each in situations if (found := block(each)) and found.counts("tap")]
            for situations in (some, others)
        )
        is_whole = len(before) == len(some) and len(after) == len(others)
        yield _at_most(where, words, most, max(after) / min(before) if is_whole else None)
    yield _budget(block(SPENT))
    for situation in LOADED_BY_BUDGET:
        yield _alone(situation, block(situation))
    yield _start(parts.get("extraction"))


def _mark(where: str, measure: str, wanted: str, ratio: float | None, met: float | bool | None) -> Mark:  # noqa: FBT001 - an outcome, not a switch
    is_met = None if ratio is None else bool(met)
    return Mark(where, measure, wanted, "not measured" if ratio is None else f"{ratio:.2f}", is_met)


def _at_most(where: str, measure: str, most: float, ratio: float | None) -> Mark:
    return _mark(where, measure, f"at most {most:g} times", ratio, ratio and ratio <= most)


def _budget(block: Block | None) -> Mark:
    wanted = f"at least {_A_MINUTE} a minute, no 429"
    measure = "calls once under way"
    if not block or not block.counts("tap") or (pace := block.runs["tap"][0].calls_per_minute) is None:
        return Mark(str(SPENT), measure, wanted, "not measured", None)
    refused = block.runs["tap"][0].refused
    return Mark(
        str(SPENT), measure, wanted, f"{pace:.0f} a minute, {refused} times 429", pace >= _A_MINUTE and not refused
    )


def _alone(situation: Situation, block: Block | None) -> Mark:
    ratio = None
    if block and block.counts("meltano"):
        budget = situation.calls_per_minute
        ratio = block.median("meltano", "wall") / ((block.median("meltano", "calls") - budget) / budget * 60)
    words = "`meltano run`, wall time against the calls alone (those after the first 300, by 300 a minute)"
    return _at_most(str(situation), words, _ALONE, ratio)


def _start(results: Results | None) -> Mark:
    measure = '`tap-onefile --version` against `python -c "import singer_sdk"`'
    ratio = median(results.start["tap"]) / median(results.start["singer_sdk"]) if results and results.start else None
    return _at_most("start", measure, _START, ratio)
