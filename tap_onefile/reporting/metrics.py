"""What a run has done so far, counted for each stream."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Tally:
    """What one stream has cost and brought."""

    records: int = 0
    calls: int = 0
    """Calls to OneFile, repeats included."""
    repeats: int = 0
    """Calls that had to be made again."""
    waited: float = 0.0
    """Seconds for which its calls waited for their turn in the budget, summed over all threads."""
    seconds: float = 0.0
    """Seconds from its first record to its last, those of its child streams included."""

    def add_call(self, waited: float) -> None:
        """Count a call.

        Args:
            waited: Seconds for which it waited for its turn.
        """
        with _LOCK:
            self.calls += 1
            self.waited += waited

    def add_repeat(self) -> None:
        """Count a call that has to be made again."""
        with _LOCK:
            self.repeats += 1


_LOCK = threading.Lock()


class Metrics:
    """What each stream of a run has cost and brought.

    Args:
        clock: Gives the time in seconds; never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tallies: dict[str, Tally] = {}
        self._began = clock()
        self.stream = ""
        """The stream that is being read now."""
        self.customer = 0
        """The id of the customer, once it is known."""
        self.organisations: list[int] = []
        """The ids of the organisations that are read, once they are known."""
        self.organisations_done = 0

    def of(self, stream: str) -> Tally:
        """Give the tally of a stream.

        Args:
            stream: The stream.
        """
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
        """About how long the run will take yet, in seconds; None where it cannot be known."""
        left = len(self.organisations) - self.organisations_done
        return self.total.seconds / self.organisations_done * left if self.organisations_done and left > 0 else None

    def rows(self) -> Iterator[tuple[str, Tally]]:
        """Give what each stream has cost and brought.

        Yields:
            The name and the tally of each stream that has made a call; last those of all streams together.
        """
        with _LOCK:
            tallies = [(stream, tally) for stream, tally in self._tallies.items() if tally.calls]
        yield from tallies
        yield "all streams", self.total
