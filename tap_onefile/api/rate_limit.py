"""Calls per minute: one budget for the whole run.

OneFile answers 300 calls a minute and refuses what goes beyond (help article 76000033860 "API Rate Limit"). How it
counts is not documented, so the promise kept here is the strictest: in no 60 seconds whatever, wherever they start,
does the server receive more calls than the budget.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

WINDOW = 60.0
"""Seconds over which calls are counted."""

PAUSE = 60.0
"""Seconds to wait after a 429 that does not say how long."""

_SLOWED = 0.7
_RECOVERED_PER_WINDOW = 0.05
_POLL = 0.02


class RateLimit:
    """Lets calls through as fast as the budget allows, from any number of threads.

    A call counts from the moment it is let through until a window after its answer has come. The server receives it
    somewhere between the two, so its own count can never be higher than ours, whatever the latency.
    A budget of 0 is no limit.
    """

    def __init__(
        self,
        calls_per_minute: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._full = calls_per_minute
        self._allowed = float(calls_per_minute)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._under_way = 0
        self._answered: deque[float] = deque()
        self._closed_until = 0.0
        self._taken_at = -math.inf
        self._raised_at = clock()

    @contextmanager
    def turn(self) -> Generator[float]:
        """Wait until one more call may be made, yield the seconds waited, and count it until it is answered."""
        waited = 0.0
        while (delay := self._take_turn()) is not None:
            self._sleep(delay)
            waited += delay
        try:
            yield waited
        finally:
            with self._lock:
                self._under_way -= 1
                self._answered.append(self._clock())

    def pause(self, seconds: float) -> bool:
        """Let no call through for a while, and fewer calls from then on; return whether no pause was under way.

        Called when OneFile answers 429: something else is spending the same budget, so that our share is smaller than
        we thought.
        """
        with self._lock:
            now = self._clock()
            # Calls that were under way together are refused together: that is one sign, not many.
            is_news = now >= self._closed_until
            if self._full and is_news:
                self._allowed = max(1.0, self._allowed * _SLOWED)
            self._closed_until = max(self._closed_until, now + seconds)
            self._raised_at = self._closed_until
            return is_news

    def _take_turn(self) -> float | None:
        """Take a turn, or return the seconds for which there is none."""
        with self._lock:
            now = self._clock()
            if now < self._closed_until:
                return self._closed_until - now
            if self._full:
                self._recover(now)
                while self._answered and self._answered[0] + WINDOW <= now:
                    self._answered.popleft()
                if self._under_way + len(self._answered) >= int(self._allowed):
                    return self._answered[0] + WINDOW - now if self._answered else _POLL
                # Whoever shares the budget would find nothing left after a burst of ours.
                if self._allowed < self._full and self._taken_at + WINDOW / self._allowed > now:
                    return self._taken_at + WINDOW / self._allowed - now
            self._under_way += 1
            self._taken_at = now
            return None

    def _recover(self, now: float) -> None:
        windows = (now - self._raised_at) // WINDOW
        if windows >= 1:
            self._allowed = min(self._full, self._allowed + windows * _RECOVERED_PER_WINDOW * self._full)
            self._raised_at += windows * WINDOW
