"""What is measured: the customers, the situations, and who takes part in each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCIES = (0, 50, 150, 300)
PAGE_SIZES = (100, 1000)
BUDGET = 300
ALL_PEERS = (
    "tap",
    "asyncio_limit",
    "requests_script",
    "stock_sdk",
    "airbyte",
    "dlt_tuned",
    "dlt_default",
)
KEEP_TO_A_BUDGET = ("tap", "airbyte")
_LONG_WAIT = 120
"""Seconds."""
NAMED_IN_MARKS = ("tap", "asyncio_limit", "stock_sdk", "airbyte", "dlt_tuned")


@dataclass(frozen=True)
class Workload:
    """A customer to read."""

    name: str
    organisations: int
    learners: int


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("one-organisation", 1, 2_000),
        Workload("twenty-organisations", 20, 50_000),
        Workload("five-large", 5, 500_000),
        Workload("memory-small", 5, 50_000),
        Workload("memory-large", 5, 1_000_000),
        Workload("organisations-few", 400, 400),
        Workload("organisations-many", 1_600, 1_600),
    )
}


@dataclass(frozen=True)
class Situation:
    """One block of the table: a customer, a server, and who reads from it."""

    workload: Workload
    latency_ms: int
    page_size: int
    peers: tuple[str, ...] = ALL_PEERS
    calls_per_minute: int = 0
    """The server's limit; 0 is none."""
    once: bool = False
    """Whether one round will do: what the clock or the bounds of a buffer settle does not scatter."""
    longest: int = 1800
    """Seconds after which a run is ended and does not count."""

    def is_like(self, other: Situation) -> bool:
        """Tell whether the same is read from the same server, by whomever."""
        return replace(self, peers=(), once=False, longest=0) == replace(other, peers=(), once=False, longest=0)

    @override
    def __str__(self) -> str:
        """Describe it in a line."""
        budget = f", {self.calls_per_minute} calls a minute" if self.calls_per_minute else ""
        return f"{self.workload.name}, {self.latency_ms} ms, page size {self.page_size}{budget}"


ONE, TWENTY, FIVE, SMALL, LARGE, HUNDREDS, THOUSANDS = WORKLOADS.values()

WALL = Situation(ONE, 300, 100)
MANY = Situation(TWENTY, 50, 100, NAMED_IN_MARKS)
WORK = Situation(FIVE, 0, 1000, NAMED_IN_MARKS)
SPENT = Situation(TWENTY, 1000, 100, ("tap",), calls_per_minute=BUDGET, once=True)
FEW_RECORDS = Situation(SMALL, 0, 1000, ("tap",), once=True)
MANY_RECORDS = Situation(LARGE, 0, 1000, ("tap",), once=True)
FEW_ORGANISATIONS = Situation(HUNDREDS, 0, 100, ("tap",))
MANY_ORGANISATIONS = Situation(THOUSANDS, 0, 100, ("tap",))

DEFAULT = (WALL, MANY, WORK, SPENT, FEW_RECORDS, MANY_RECORDS, FEW_ORGANISATIONS, MANY_ORGANISATIONS)
"""What the marks need."""


def grid() -> Iterator[Situation]:
    """Give every other latency and page size, and the budget at every latency, each to be measured once.

    Yields:
        The situations. Who makes one call at a time is left out where the calls alone would take more than two minutes.
    """
    for workload in (ONE, TWENTY, FIVE):
        # The server of one workload and latency is started once, so what shares it stays together.
        for latency_ms in LATENCIES:
            for page_size in PAGE_SIZES:
                waiting = workload.learners / page_size * latency_ms / 1000
                peers = tuple(peer for peer in NAMED_IN_MARKS if peer != "stock_sdk" or waiting <= _LONG_WAIT)
                situation = Situation(workload, latency_ms, page_size, peers, once=True)
                if not any(situation.is_like(other) for other in DEFAULT):
                    yield situation
        if workload is TWENTY:
            for latency_ms in LATENCIES:
                yield Situation(TWENTY, latency_ms, 100, KEEP_TO_A_BUDGET, calls_per_minute=BUDGET, once=True)


def quick(situation: Situation) -> Situation:
    """Shrink a situation until it takes a second: to see that all works, not to learn anything."""
    organisations = min(situation.workload.organisations, 3)
    workload = replace(situation.workload, organisations=organisations, learners=230)
    latency = min(situation.latency_ms, 20)
    return replace(
        situation, workload=workload, latency_ms=latency, calls_per_minute=0, page_size=50, once=True, longest=20
    )
