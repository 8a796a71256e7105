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
ALL_PIPELINES = ("meltano", "piped", "loader_as_it_comes", "dlt_merge", "stock_piped", "asyncio_copy")
PIPELINES_THAT_KEEP_TO_A_BUDGET = ("meltano", "piped")
LOADS = {"first": "first load", "again": "the same again", "changed": "after 5 % of the learners changed"}
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
    load: str = ""
    """Which of the three loads into PostgreSQL it is, where it is one."""
    server: str = ""
    """How the server answers, in words, where that matters."""
    behaviour: tuple[str, ...] = ()
    """The same in the sandbox's terms."""
    unpaged_ms: float = 0.0
    """What each row costs in a search without pages."""

    @property
    def ours(self) -> str:
        """The peer that the others are compared with."""
        return "meltano" if self.load else "tap"

    @property
    def like(self) -> Situation:
        """What it has in common with those that differ only in who takes part, and how often."""
        return replace(self, peers=(), once=False, longest=0)

    @property
    def served(self) -> Situation:
        """What it has in common with those that can share its server."""
        return replace(self.like, page_size=0, load="any" if self.load else "")

    def is_like(self, other: Situation) -> bool:
        """Tell whether the same is read from the same server, by whomever."""
        return self.like == other.like

    @override
    def __str__(self) -> str:
        """Describe it in a line."""
        budget = f", {self.calls_per_minute} calls a minute" if self.calls_per_minute else ""
        server = f", {self.server}" if self.server else ""
        load = f", {LOADS[self.load]}" if self.load else ""
        return f"{self.workload.name}, {self.latency_ms} ms, page size {self.page_size}{budget}{server}{load}"


ONE, TWENTY, FIVE, SMALL, LARGE, HUNDREDS, THOUSANDS = WORKLOADS.values()

WALL = Situation(ONE, 300, 100)
MANY = Situation(TWENTY, 50, 100, NAMED_IN_MARKS)
WORK = Situation(FIVE, 0, 1000, NAMED_IN_MARKS)
SPENT = Situation(TWENTY, 1000, 100, ("tap",), calls_per_minute=BUDGET, once=True)
FEW_RECORDS = Situation(SMALL, 0, 1000, ("tap",), once=True)
MANY_RECORDS = Situation(LARGE, 0, 1000, ("tap",), once=True)
FEW_ORGANISATIONS = Situation(HUNDREDS, 0, 100, ("tap",))
MANY_ORGANISATIONS = Situation(THOUSANDS, 0, 100, ("tap",))

EXTRACTION = (WALL, MANY, WORK, SPENT, FEW_RECORDS, MANY_RECORDS, FEW_ORGANISATIONS, MANY_ORGANISATIONS)
"""What the marks of the tap alone need."""

_PLAIN = ("absent_values=null",)
SPELLINGS = tuple(
    replace(WORK, peers=("tap", "asyncio_limit"), server=words, behaviour=behaviour)
    for words, behaviour in (
        ("moments with Z", _PLAIN),
        ("with milliseconds", (*_PLAIN, "date_style=z-millis")),
        ("with seven digits", (*_PLAIN, "date_style=ticks")),
        ("without an offset", (*_PLAIN, "date_style=naive")),
        ("with +01:00, in winter +00:00", (*_PLAIN, "date_style=offset")),
        ("ten unknown fields in each row", (*_PLAIN, "unknown_fields=10")),
        ('absent fields, nulls and "" mixed', ("absent_values=mixed",)),
        ("ids as text", (*_PLAIN, "ids_as_text=true")),
    )
)
UNPAGED_FREE, UNPAGED_SLOW, UNPAGED_MISSING = (
    replace(WALL, peers=("tap", "asyncio_limit"), server=f"unpaged search {words}", **settled)
    for words, settled in (
        ("free", {}),
        ("at 0.5 ms a row", {"unpaged_ms": 0.5}),
        ("missing", {"behaviour": ("unpaged=404",)}),
    )
)
UNKNOWNS = (*SPELLINGS, UNPAGED_FREE, UNPAGED_SLOW, UNPAGED_MISSING)
"""What the API reference leaves open, and how fast the tap is whatever the answer."""


def _loads(workload: Workload, budget: int = 0) -> tuple[Situation, ...]:
    peers = PIPELINES_THAT_KEEP_TO_A_BUDGET if budget else ALL_PIPELINES
    situation = Situation(workload, 50, 100, peers, calls_per_minute=budget, once=bool(budget))
    return tuple(replace(situation, load=load) for load in LOADS)


LOADED, LOADED_AGAIN, LOADED_CHANGED = _loads(TWENTY)
LOADED_BY_BUDGET = _loads(TWENTY, BUDGET)
PIPELINE = (LOADED, LOADED_AGAIN, LOADED_CHANGED, *_loads(ONE))
"""From OneFile to the rows in PostgreSQL."""
PIPELINE_BY_BUDGET = (*LOADED_BY_BUDGET, *_loads(ONE, BUDGET))
"""The same with OneFile's 300 calls a minute."""


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
                if not any(situation.is_like(other) for other in EXTRACTION):
                    yield situation
        if workload is TWENTY:
            for latency_ms in LATENCIES:
                yield Situation(TWENTY, latency_ms, 100, KEEP_TO_A_BUDGET, calls_per_minute=BUDGET, once=True)


PARTS = {
    "pipeline": PIPELINE,
    "pipeline-budget": PIPELINE_BY_BUDGET,
    "extraction": EXTRACTION,
    "unknowns": UNKNOWNS,
    "grid": tuple(grid()),
}
"""What can be measured alone. The grid takes hours, and is measured only if asked for."""


def quick(situation: Situation) -> Situation:
    """Shrink a situation until it takes a second: to see that all works, not to learn anything."""
    organisations = min(situation.workload.organisations, 3)
    workload = replace(situation.workload, organisations=organisations, learners=230)
    latency = min(situation.latency_ms, 20)
    return replace(
        situation,
        workload=workload,
        latency_ms=latency,
        calls_per_minute=0,
        page_size=50,
        once=True,
        longest=120 if situation.load else 20,
    )
