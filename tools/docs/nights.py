"""How long a night takes: by the calls that OneFile lets in, and by the rows that a loader writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from onefile_sandbox import Sandbox
from tap_onefile.streams import STREAMS
from tap_onefile.streams.kinds import PerLearnerStream
from tap_onefile.streams.organisations import Customers, Organisations
from tap_onefile.streams.qualifications import Standards
from tap_onefile.tap import SETTINGS
from tools import CORE_STREAMS
from tools.benchmarks.results import read
from tools.benchmarks.workloads import BUDGET, LOADED, TWENTY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_onefile.streams.base import OneFileStream

LEARNERS = 1000
"""In each centre."""
CENTRES = (1, 20, 200)
PAGE_SIZES = (100, 1000)
SIDE_BY_SIDE = 4
BY_DEFAULT = tuple(stream.name for stream in STREAMS if stream.selected_by_default)
COSTLY = ("reviews", "off_the_job")
_LOGIN = 1


@dataclass(frozen=True)
class Centre:
    """What one centre holds."""

    rows: Mapping[str, int]
    recent: int
    """The reviews that a later night reads in full."""


def centre(learners: int = LEARNERS) -> Centre:
    """Invent a centre, as the sandbox does."""
    sandbox = Sandbox(learners=learners, organisations=1)
    window = timedelta(days=SETTINGS["properties"]["review_window"]["default"])
    since = (sandbox.world.now - window).isoformat()
    recent = sum((review["ScheduledFor"] or "") >= since for review in sandbox.records("reviews"))
    return Centre(sandbox.counts(), recent)


def calls(one: Centre, centres: int, page_size: int, streams: Collection[str], *, is_first: bool) -> int:
    """Work out the calls of a night, for a customer whose centres are all alike.

    Args:
        one: One of the centres.
        centres: How many there are.
        page_size: Rows of a page.
        streams: Those that are selected.
        is_first: Whether no night came before.
    """
    taken = _LOGIN + 1 + (ceil(centres / page_size) + 2)
    chosen = [stream for stream in STREAMS if stream.name in streams and stream not in {Customers, Organisations}]
    taken += round(sum(_calls(stream, one, centres, page_size, is_first=is_first) for stream in chosen))
    if any(issubclass(stream, PerLearnerStream) for stream in chosen):
        # The learners, to know whom to ask for.
        taken += centres * _pages(one.rows["learners"], page_size)
    return taken


def table() -> str:
    """Make the table of how long a night takes."""
    if not (speed := _rows_a_minute()):
        return "Not measured yet: `make bench ARGS='--part pipeline'`."
    one = centre()
    lines = []
    for centres in CENTRES:
        for page_size in PAGE_SIZES:
            for words, streams, is_first in (
                ("by default", BY_DEFAULT, True),
                ("with reviews and off-the-job hours, first night", (*BY_DEFAULT, *COSTLY), True),
                ("the same, each later night", (*BY_DEFAULT, *COSTLY), False),
            ):
                taken = calls(one, centres, page_size, streams, is_first=is_first)
                loading = _rows(one, centres, streams, is_first=is_first) / speed
                times = (taken / BUDGET, loading, loading / SIDE_BY_SIDE)
                lines.append((str(centres), str(page_size), words, f"{taken:,}", *map(_span, times)))
    header = ("Centres", "Page size", "Streams", "Calls", "Calls take", "One loader takes", "Four loaders take")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *lines))


def _calls(stream: type[OneFileStream], one: Centre, centres: int, page_size: int, *, is_first: bool) -> float:
    rows = one.rows[stream.name]
    if issubclass(stream, PerLearnerStream):
        return centres * one.rows["learners"]
    if stream.parent_stream_type is Standards:
        return one.rows["standards"] * _pages(ceil(rows / one.rows["standards"]), page_size)
    if "/Search/" not in stream.call():
        return centres
    if stream.parent_stream_type is Customers:
        # The qualifications are the customer's, however many centres it has.
        return _pages(rows if stream is Standards else rows * centres, page_size)
    detailed = stream.name in SETTINGS["properties"]["fetch_details"]["default"]
    details = one.recent if stream.name == "reviews" and not is_first else rows
    return centres * (_pages(rows, page_size) + (details if detailed else 0))


def _pages(rows: int, page_size: int) -> int:
    """Return the calls of a search: its pages, and the answer that ends it."""
    return ceil(rows / page_size) + 1


def _rows(one: Centre, centres: int, streams: Collection[str], *, is_first: bool) -> int:
    fixed = {"customers": 1, "standards": one.rows["standards"], "units": one.rows["units"]}
    each = {**one.rows, "reviews": one.rows["reviews"] if is_first else one.recent}
    return sum(fixed.get(name, each[name] * centres) for name in streams)


def _rows_a_minute() -> float | None:
    """Return how many rows a whole pipeline loads, by the benchmark; None where it has not been measured."""
    part = read().get("pipeline")
    block = part.block(LOADED) if part else None
    if not (block and block.counts(LOADED.ours)):
        return None
    held = Sandbox(learners=TWENTY.learners, organisations=TWENTY.organisations).counts()
    return sum(held[stream] for stream in CORE_STREAMS) / block.median(LOADED.ours, "wall") * 60


def _span(minutes: float) -> str:
    """Spell a length of time."""
    if minutes < 1:
        return "under a minute"
    hours, rest = divmod(ceil(minutes), 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"
