"""Signs of life on stderr while a run is under way."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_onefile import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tap_onefile.statistics import Statistics

logger = logging.getLogger("tap-onefile")

_ON_A_TERMINAL = 0.5
_IN_A_LOG = 30.0
"""Seconds between two signs of life."""

_MINUTE = 60.0


class SignsOfLife:
    """Says how a run is coming on.

    Args:
        statistics: What the run has done so far.
        calls_per_minute: The budget; 0 for none.
        clock: Gives the time in seconds; never goes back.
    """

    def __init__(
        self, statistics: Statistics, calls_per_minute: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._statistics = statistics
        self._budget = calls_per_minute
        self._clock = clock
        self._seen = deque([(clock(), 0)])

    def sign(self, columns: int | None = None) -> str:
        """Say it in one line.

        Args:
            columns: How many characters there is room for; None for any number.

        Returns:
            The line: stream, records, calls, calls a minute, organisations and time left, the last ones of them only
            where there is room.
        """
        total = self._statistics.total
        parts = [
            self._statistics.stream or "starting",
            f"{total.records:,} records",
            f"{total.calls:,} calls",
            self._pace(total.calls),
        ]
        if self._statistics.organisations:
            parts.append(
                f"{self._statistics.organisations_done} of {len(self._statistics.organisations)} organisations"
            )
        left = _in_words(self._statistics.seconds_left)
        while columns is not None and len(parts) > 1 and len(" · ".join([*parts, *left])) > columns:
            parts.pop()
        return " · ".join([*parts, *left])[:columns]

    def _pace(self, calls: int) -> str:
        """Say how many calls were made in the last minute, or in what of it has passed."""
        now = self._clock()
        self._seen.append((now, calls))
        while len(self._seen) > 1 and self._seen[1][0] <= now - _MINUTE:
            self._seen.popleft()
        then, calls_then = self._seen[0]
        lately = calls - calls_then
        if self._budget:
            return f"{lately} of {self._budget} in the last minute"
        return f"{lately / max(now - then, _ON_A_TERMINAL) * _MINUTE:.0f} calls a minute"


def _in_words(seconds: float | None) -> list[str]:
    if seconds is None:
        return []
    minutes = seconds / _MINUTE
    return [f"about {minutes:.0f} min left" if minutes >= 1.5 else f"about {seconds:.0f} s left"]  # noqa: PLR2004


@contextmanager
def heartbeat(statistics: Statistics, calls_per_minute: int) -> Generator[None]:
    """Show how a run is coming on for as long as a block of code lasts.

    Args:
        statistics: What the run has done so far.
        calls_per_minute: The budget; 0 for none.
    """
    stopped = threading.Event()
    seen_by = terminal.attended()
    signs = SignsOfLife(statistics, calls_per_minute)

    def beat() -> None:
        while not stopped.wait(_ON_A_TERMINAL if rewritten else _IN_A_LOG):
            if rewritten:
                rewritten.rewrite(signs.sign(rewritten.columns - 1))
            else:
                logger.info(signs.sign())

    rewritten = seen_by if seen_by and seen_by.can_rewrite else None
    thread = threading.Thread(target=beat, name="tap-onefile-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        # A sign that is just being shown would otherwise stay on the screen.
        thread.join()
        if rewritten:
            rewritten.rewrite("")
