"""The vendor's limit on calls in a minute."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0


class RateLimit:
    """Counts calls in a window that slides, so that no 60 seconds whatever hold too many.

    A refused call is not counted: a client that knocks on is let in when the window has moved.
    """

    def __init__(self, calls_per_minute: int, clock: Callable[[], float]) -> None:
        self._most = calls_per_minute
        self._clock = clock
        self._let_in: deque[float] = deque()

    def wait(self) -> float:
        """Let a call in, or say how long it would have to wait."""
        if not self._most:
            return 0.0
        now = self._clock()
        while self._let_in and now - self._let_in[0] >= MINUTE:
            self._let_in.popleft()
        if len(self._let_in) < self._most:
            self._let_in.append(now)
            return 0.0
        return self._let_in[0] + MINUTE - now
