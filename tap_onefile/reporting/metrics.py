"""What a run has done so far, by stream."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

ALL_STREAMS = "all streams"


@dataclass
class Tally:
    """What one stream has cost and yielded."""

    records: int = 0
    calls: int = 0
    """Including repeats."""
    repeats: int = 0
    """Calls that were made again."""
    waited: float = 0.0
    """Seconds that its calls waited for the rate limit, summed over all threads."""
    seconds: float = 0.0
    """Seconds spent reading it, summed over its contexts, including child streams that the SDK reads meanwhile."""

    def add_call(self, waited: float) -> None:
        """Count a call that waited so many seconds for the rate limit."""
        with _LOCK:
            self.calls += 1
            self.waited += waited

    def add_repeat(self) -> None:
        """Count a call that is made again."""
        with _LOCK:
            self.repeats += 1


_LOCK = threading.Lock()


@dataclass
class Part:
    """What one stream reads of one organisation by a call for each learner or record."""

    total: int
    began: float
    done: int = 0


class Metrics:
    """The tallies of a run, and how far it has got."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tallies: dict[str, Tally] = {}
        self._began = clock()
        self.stream = ""
        """The stream that is being read now."""
        self.customer = 0
        """The id of the customer, once known."""
        self.organisations: list[int] = []
        """The ids of the organisations that are read, once known."""
        self.organisations_done = 0
        self.part: Part | None = None
        """The part that is being read now, where its size is known."""

    @contextmanager
    def reading(self, total: int) -> Generator[Part]:
        """Note the part that is being read as long as a block of code lasts."""
        self.part = part = Part(total, self._clock())
        try:
            yield part
        finally:
            self.part = None

    def of(self, stream: str) -> Tally:
        """Return the tally of a stream."""
        with _LOCK:
            return self._tallies.setdefault(stream, Tally())

    @property
    def total(self) -> Tally:
        """The sum over all streams."""
        with _LOCK:
            tallies = list(self._tallies.values())
        return Tally(
            records=sum(tally.records for tally in tallies),
            calls=sum(tally.calls for tally in tallies),
            repeats=sum(tally.repeats for tally in tallies),
            waited=sum(tally.waited for tally in tallies),
            seconds=self._clock() - self._began,
        )

    @property
    def seconds_left(self) -> float | None:
        """Roughly how many more seconds the run takes; None while it cannot be known."""
        left = len(self.organisations) - self.organisations_done
        return self.total.seconds / self.organisations_done * left if self.organisations_done and left > 0 else None

    @property
    def part_seconds_left(self) -> float | None:
        """Roughly how many more seconds the part takes that is being read now; None while it cannot be known."""
        part = self.part
        return (self._clock() - part.began) / part.done * (part.total - part.done) if part and part.done else None

    def rows(self) -> Iterator[tuple[str, Tally]]:
        """Yield the name and tally of whatever has made a call (streams, logins), and last those of the whole run."""
        with _LOCK:
            tallies = [(stream, tally) for stream, tally in self._tallies.items() if tally.calls]
        yield from tallies
        yield ALL_STREAMS, self.total
